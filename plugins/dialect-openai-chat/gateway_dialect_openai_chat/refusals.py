"""Errors: the envelope that OpenAI's SDKs map to exception classes, and the many that upstreams send.

Sources: OpenAI `{error:{message,type,param,code}}`; Mistral `{message}` or `{detail}`; xAI `{code,error:"text"}`;
Bedrock `{message}`; FastAPI `{detail:[{loc,msg}]}`; Google's compatible API wraps the envelope in a list.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway import GatewayError, UpstreamBroken, UpstreamError, UpstreamRefused
from gateway.wire import jsontext
from gateway.wire.refusals import header, prose, retry_after, said

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
    """An error that came within a reply: an object with `error`, or that member's value."""
    found = said(told)
    message = found.message or "The upstream reported an error within its reply."
    status = found.status
    if status is not None and 400 <= status < 600:
        return UpstreamRefused(message, status, code=found.code, param=found.param)
    return UpstreamBroken(message, code=found.code, param=found.param)


def parse(body: bytes) -> object:
    """JSON of any kind; None where it is none."""
    try:
        return jsontext.loaded(body)
    except jsontext.UNREADABLE:
        return None
