"""Errors: OpenAI's envelope, and what upstreams say when they refuse."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway import GatewayError, UpstreamBroken, UpstreamError, UpstreamRefused
from gateway.wire import jsontext
from gateway.wire.refusals import header, prose, retry_after, said

_TYPES = {402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error"}


class _Body(msgspec.Struct):
    message: str
    type: str
    param: str | None
    code: str | None


class _Envelope(msgspec.Struct):
    error: _Body


def encode(error: GatewayError) -> bytes:
    kind = "server_error" if error.status >= 500 else _TYPES.get(error.status, "invalid_request_error")
    return jsontext.encode(_Envelope(_Body(error.public, kind, error.param, error.code)))


def decode(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
    found = said(parse(body))
    return UpstreamRefused(
        found.message or prose(body, headers) or f"The upstream answered with status {status}.",
        status,
        body=body,
        content_type=header(headers, "content-type"),
        code=found.code,
        param=found.param,
        retry_after=retry_after(headers),
    )


def in_band(told: object) -> UpstreamError:
    """An error event of a stream, as builtins."""
    found = said(told)
    message = found.message or "The upstream reported an error within its reply."
    if found.status is not None and 400 <= found.status < 600:
        return UpstreamRefused(message, found.status, code=found.code, param=found.param)
    return UpstreamBroken(message, code=found.code, param=found.param)


def parse(body: bytes) -> object:
    """JSON of any kind; None where it is none."""
    try:
        return jsontext.loaded(body)
    except jsontext.UNREADABLE:
        return None
