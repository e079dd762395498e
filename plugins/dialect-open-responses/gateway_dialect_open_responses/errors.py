"""Errors both ways: the envelope that clients read, and what upstreams say, whole or in-band."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from gateway import GatewayError, UpstreamBroken, UpstreamError, UpstreamRefused
from gateway.wire.jsontext import UNREADABLE, encode
from gateway.wire.refusals import retry_after

TYPES = {
    "rate_limit": "rate_limit_error",
    "permission": "permission_error",
    "quota_exceeded": "insufficient_quota",
    "unavailable": "server_error",
    "server_error": "server_error",
}
"""By `GatewayError.kind`; every other refusal is an `invalid_request_error`, as OpenAI has it."""

STATUSES = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "invalid_api_key": 401,
    "model_not_found": 404,
    "previous_response_not_found": 400,
    "context_length_exceeded": 400,
    "content_policy_violation": 400,
    "invalid_prompt": 400,
    "invalid_image": 400,
    "invalid_base64_image": 400,
    "invalid_image_url": 400,
    "image_too_large": 400,
    "unsupported_parameter": 400,
    "unsupported_value": 400,
}
"""The status that an in-band code would have had; a code that is not here is a failure of the upstream's own."""

WORDS_LIMIT = 1000


class Detail(msgspec.Struct):
    message: str
    type: str
    param: str | None
    code: str | None


class Envelope(msgspec.Struct):
    error: Detail


def detail(error: GatewayError) -> Detail:
    return Detail(error.public, _type(error), error.param, error.code)


def encode_error(error: GatewayError) -> bytes:
    return encode(Envelope(detail(error)))


def _type(error: GatewayError) -> str:
    """An upstream's refusal is of the type that its status says."""
    if error.kind == "upstream":
        if error.status == 429:
            return "rate_limit_error"
        return "invalid_request_error" if error.status < 500 else "server_error"
    return TYPES.get(error.kind, "invalid_request_error")


class _Said(msgspec.Struct):
    message: Raw = Raw(b"")
    code: Raw = Raw(b"")
    param: Raw = Raw(b"")
    type: Raw = Raw(b"")
    error: Raw = Raw(b"")
    detail: Raw = Raw(b"")


class Words(msgspec.Struct):
    """What an upstream said of an error, as far as it can be read."""

    message: str | None = None
    code: str | None = None
    param: str | None = None


_SAID = msgspec.json.Decoder(_Said)
_TEXT = msgspec.json.Decoder(str | int | None)


def words(value: Raw | bytes) -> Words:
    """Of an envelope, of an error object, or of a bare string. Shapes in the wild: `{error:{…}}`, `{error:"…"}`,
    `{message}`, `{detail:"…"}`, `{detail:[{msg}]}`.
    """
    try:
        said = _SAID.decode(value)
    except UNREADABLE:
        return Words(_text(value))
    inner = words(said.error) if bytes(said.error) not in (b"", b"null") else Words()
    other = _text(said.detail) or (bytes(said.detail).decode("utf-8", "replace") or None)
    return Words(
        inner.message or _text(said.message) or other,
        inner.code or _text(said.code),
        inner.param or _text(said.param),
    )


def _text(value: Raw | bytes) -> str | None:
    try:
        found = _TEXT.decode(value)
    except UNREADABLE:
        return None
    return None if found is None else str(found)


def in_band(said: Words) -> UpstreamError:
    """An error event, or the `error` of a failed response."""
    message = (said.message or "The upstream failed without a word.")[:WORDS_LIMIT]
    status = STATUSES.get(said.code or "")
    if status is None:
        return UpstreamBroken(message, code=said.code, param=said.param)
    return UpstreamRefused(message, status, code=said.code, param=said.param)


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
    said = words(body) if body[:1] in (b"{", b'"') else Words(_plain(body))
    return UpstreamRefused(
        (said.message or f"The upstream answered {status}.")[:WORDS_LIMIT],
        status,
        body=body,
        content_type=headers.get("content-type", ""),
        code=said.code,
        param=said.param,
        retry_after=retry_after(headers),
    )


def _plain(body: bytes) -> str | None:
    """Plain text as it stands; an HTML page is no message."""
    text = body.decode("utf-8", "replace").strip()
    return None if not text or text.startswith("<") else text
