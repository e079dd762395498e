"""Errors, both ways: `{error: {code, message, status, details}}`. Source: google.rpc.Status and its error details."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway import GatewayError, UpstreamError, UpstreamRefused
from gateway.wire import jsontext, refusals
from gateway.wire.jsontext import Members
from gateway.wire.refusals import Said, refused, said, wordless

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPES = "type.googleapis.com/google.rpc."
_SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")
BAD_KEY = "API_KEY_INVALID"


def encode(error: GatewayError) -> bytes:
    """`error` first: Google's SDK raises on a chunk of a stream that begins so."""
    told: Members = {"code": error.status, "message": error.public, "status": _status(error.status)}
    if details := _details(error):
        told["details"] = details
    return jsontext.encode({"error": told})


def decode(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
    """A bad key comes as 400 with its reason in the details; it is ours, as with any other upstream's 401."""
    told = jsontext.anything(body)
    found = _said(told)
    found.message = found.message or wordless(status, headers, body)
    return refused(found, 401 if BAD_KEY in _reasons(told) else status, headers, body)


def in_band(told: object) -> UpstreamError:
    """An error that came within a reply: an object with `error`."""
    return refusals.in_band(_said(told))


def _said(told: object) -> Said:
    found = said(told)
    found.code = _code(told) or found.code
    found.retry_after = _retry(told)
    return found


def _status(status: int) -> str:
    return _STATUSES.get(status) or ("INTERNAL" if status >= 500 else "INVALID_ARGUMENT")


def _details(error: GatewayError) -> list[Members]:
    out: list[Members] = []
    if error.code:
        out.append({"@type": _TYPES + "ErrorInfo", "reason": error.code.upper(), "domain": "gateway"})
    if error.param:
        violation = {"field": error.param, "description": error.public}
        out.append({"@type": _TYPES + "BadRequest", "fieldViolations": [violation]})
    if error.retry_after is not None:
        out.append({"@type": _TYPES + "RetryInfo", "retryDelay": f"{error.retry_after:g}s"})
    return out


def _error(told: object) -> Mapping[str, object]:
    """The error's object, out of the list that streams wrap it in."""
    if isinstance(told, list) and told:
        told = told[0]
    inner = told.get("error") if isinstance(told, dict) else None
    return inner if isinstance(inner, dict) else {}


def _code(told: object) -> str | None:
    status = _error(told).get("status")
    return status if isinstance(status, str) and status else None


def _found(told: object) -> list[Mapping[str, object]]:
    details = _error(told).get("details")
    return [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []


def _reasons(told: object) -> list[object]:
    return [one.get("reason") for one in _found(told)]


def _retry(told: object) -> float | None:
    for one in _found(told):
        delay = one.get("retryDelay")
        if isinstance(delay, str) and (match := _SECONDS.fullmatch(delay)):
            return float(match[1])
    return None
