"""Errors: `{message}` with the error's name in a header, and exceptions within a stream.

Source: the service model of bedrock-runtime; its errors carry their name in `x-amzn-errortype`, before a colon.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway import UpstreamBroken, UpstreamError, UpstreamRefused, UpstreamTimeout
from gateway.wire import jsontext
from gateway.wire.refusals import header, refused, said, wordless

from .frames import Frame

STATUSES = {
    "accessDeniedException": 403,
    "internalServerException": 500,
    "modelNotReadyException": 429,
    "resourceNotFoundException": 404,
    "serviceQuotaExceededException": 400,
    "serviceUnavailableException": 503,
    "throttlingException": 429,
    "validationException": 400,
}
"""Of exceptions within a stream; any other one is a fault of the stream."""
MODEL_FAILED = 424
"""Of ModelErrorException: the model behind Bedrock failed, which is no fault of the call."""
TIMEOUTS = ("modelTimeoutException",)


def decode(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
    told = _lowered(body)
    found = said(told)
    kind = header(headers, "x-amzn-errortype") or _text(told, "__type")
    found.message = found.message or wordless(status, headers, body)
    found.code = _name(kind) or found.code
    return refused(found, 502 if status == MODEL_FAILED else status, headers, body)


def in_band(frame: Frame) -> UpstreamError:
    """An exception, or an error that AWS has no exception for, in the place of an event."""
    name = frame.headers.get(":exception-type") or frame.headers.get(":error-code") or ""
    told = _lowered(frame.payload)
    words = said(told).message or _text(told, "originalMessage") or frame.headers.get(":error-message", "")
    message = words or "The upstream reported an error within its reply."
    known = name[:1].lower() + name[1:]
    if known in STATUSES:
        return UpstreamRefused(message, STATUSES[known], code=name)
    if known in TIMEOUTS:
        return UpstreamTimeout(message, code=name)
    return UpstreamBroken(message, code=name or None)


def _lowered(body: bytes) -> object:
    """The body as builtins; services that are older write `Message`."""
    found = jsontext.anything(body)
    if isinstance(found, dict) and "message" not in found and "Message" in found:
        return {**found, "message": found["Message"]}
    return found


def _text(told: object, name: str) -> str:
    found = told.get(name) if isinstance(told, dict) else None
    return found if isinstance(found, str) else ""


def _name(kind: str) -> str | None:
    return kind.partition(":")[0].rpartition("#")[2].strip() or None
