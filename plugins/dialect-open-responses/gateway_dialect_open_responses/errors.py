"""Errors both ways: the envelope that clients read, and what upstreams say, whole or in-band."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from gateway import GatewayError, UpstreamError, UpstreamRefused
from gateway.wire import refusals
from gateway.wire.jsontext import anything, encode
from gateway.wire.refusals import Said, prose, refused, said

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
"""The status that an in-band code would have had; one that is neither here nor a status itself is a failure of the
upstream's own.
"""

NOTHING = (b"null", b"false", b'""', b"{}")
"""What stands for no error."""

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


def words(value: Raw | bytes) -> Said:
    """What an upstream said of an error: an envelope, an error object, or a bare string."""
    return said(anything(value))


def is_error(kind: str, object_: str | None, error: Raw) -> bool:
    """Whether an event is an error. One without a type that has an `error` is, as openai-python takes it; so is the
    bare error of servers that know chat completions better.
    """
    return kind == "error" or object_ == "error" or (not kind and bytes(error) not in NOTHING)


def in_band(found: Said) -> UpstreamError:
    """An error event, or the `error` of a failed response."""
    message = (found.message or "The upstream failed without a word.")[:WORDS_LIMIT]
    status = STATUSES.get(found.code or "", found.status)
    return refusals.in_band(Said(message, found.code, found.param, status))


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
    found = words(body)
    found.message = (found.message or prose(body, headers) or f"The upstream answered {status}.")[:WORDS_LIMIT]
    return refused(found, status, headers, body)
