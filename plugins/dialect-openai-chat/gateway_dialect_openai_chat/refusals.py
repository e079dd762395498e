"""Errors: the envelope that OpenAI's SDKs map to exception classes, and the many that upstreams send.

Sources: OpenAI `{error:{message,type,param,code}}`; Mistral `{message}` or `{detail}`; xAI `{code,error:"text"}`;
Bedrock `{message}`; FastAPI `{detail:[{loc,msg}]}`; Google's compatible API wraps the envelope in a list.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway import GatewayError, UpstreamError, UpstreamRefused
from gateway.wire import jsontext, refusals
from gateway.wire.refusals import refused, said

_TYPES = {402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error"}


class ErrorBody(msgspec.Struct):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEnvelope(msgspec.Struct):
    error: ErrorBody


def encode(error: GatewayError) -> bytes:
    return jsontext.encode(ErrorEnvelope(ErrorBody(error.public, kind(error.status), error.param, error.code)))


def kind(status: int) -> str:
    return "server_error" if status >= 500 else _TYPES.get(status, "invalid_request_error")


def decode(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
    return refused(said(jsontext.anything(body)), status, headers, body)


def in_band(told: object) -> UpstreamError:
    """An error that came within a reply: an object with `error`, or that member's value."""
    return refusals.in_band(said(told))
