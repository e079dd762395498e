"""Errors: the envelope that Anthropic's SDKs map to exception classes, and what upstreams send.

Source: Anthropic, "Errors": `{"type":"error","error":{"type","message","details"?},"request_id"}`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway import GatewayError, UpstreamError, UpstreamRefused, sse
from gateway.wire import jsontext, refusals
from gateway.wire.refusals import refused, said

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STATUSES = {kind: status for status, kind in _TYPES.items()} | {"invalid_request_error": 400, "api_error": 500}


class Details(msgspec.Struct, omit_defaults=True):
    """error_code: what the SDKs read. param: the path of the member that is wrong."""

    error_code: str
    param: str | None = None


class ErrorBody(msgspec.Struct, omit_defaults=True):
    type: str
    message: str
    details: Details | None = None


class ErrorEnvelope(msgspec.Struct, tag="error"):
    error: ErrorBody
    request_id: str | None = None


def encode(error: GatewayError) -> bytes:
    details = Details(error.code, error.param) if error.code else None
    return jsontext.encode(ErrorEnvelope(ErrorBody(kind(error.status), error.public, details)))


def told(error: GatewayError) -> bytes:
    """The same within a stream."""
    return sse.frame(encode(error), b"error")


def kind(status: int) -> str:
    return _TYPES.get(status) or ("api_error" if status >= 500 else "invalid_request_error")


def decode(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
    told = jsontext.anything(body)
    found = said(told)
    found.code = found.code or _code(told)
    return refused(found, status, headers, body)


def in_band(told: object) -> UpstreamError:
    """An error that came within a reply: the event, or the envelope as a whole body."""
    found = said(told)
    found.status = found.status or _STATUSES.get(_type(told) or "")
    found.code = found.code or _code(told)
    return refusals.in_band(found)


def _code(told: object) -> str | None:
    """The finest word there is for what went wrong."""
    error = _error(told)
    details = error.get("details")
    fine = details.get("error_code") if isinstance(details, dict) else None
    return fine if isinstance(fine, str) else _type(told)


def _type(told: object) -> str | None:
    found = _error(told).get("type")
    return found if isinstance(found, str) and found else None


def _error(told: object) -> Mapping[str, object]:
    error = told.get("error") if isinstance(told, dict) else None
    return error if isinstance(error, dict) else {}
