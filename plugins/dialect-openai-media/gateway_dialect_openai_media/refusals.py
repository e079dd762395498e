"""Errors: OpenAI's envelope, and what upstreams say when they refuse."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway import GatewayError, UpstreamError, UpstreamRefused
from gateway.wire import jsontext, refusals
from gateway.wire.refusals import refused, said

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
    return refused(said(jsontext.anything(body)), status, headers, body)


def in_band(told: object) -> UpstreamError:
    """An error event of a stream, as builtins."""
    return refusals.in_band(said(told))
