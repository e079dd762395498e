"""Errors: the envelope that OpenAI's SDKs map to exception classes, and the many that upstreams send.

Sources: OpenAI `{error:{message,type,param,code}}`; Mistral `{message}` or `{detail}`; xAI `{code,error:"text"}`;
Bedrock `{message}`; FastAPI `{detail:[{loc,msg}]}`; Google's compatible API wraps the envelope in a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import msgspec

from gateway import GatewayError, UpstreamBroken, UpstreamError, UpstreamRefused
from gateway.wire import jsontext

_TYPES = {402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error"}
_TEXT_LIMIT = 1000


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
    found = _find(parse(body))
    return UpstreamRefused(
        found.message or _prose(body, headers) or f"The upstream answered with status {status}.",
        status,
        body=body,
        content_type=_header(headers, "content-type"),
        code=found.code,
        param=found.param,
        retry_after=_retry_after(headers),
    )


def in_band(told: object) -> UpstreamError:
    """An error that came within a reply: an object with `error`, or that member's value."""
    found = _find(told)
    message = found.message or "The upstream reported an error within its reply."
    status = found.status
    if status is not None and 400 <= status < 600:
        return UpstreamRefused(message, status, code=found.code, param=found.param)
    return UpstreamBroken(message, code=found.code, param=found.param)


class _Found(msgspec.Struct):
    message: str = ""
    code: str | None = None
    param: str | None = None
    status: int | None = None


def parse(body: bytes) -> object:
    """JSON of any kind; None where it is none."""
    try:
        return jsontext.loaded(body)
    except jsontext.UNREADABLE:
        return None


def _find(value: object, depth: int = 3) -> _Found:
    """The words and codes of an envelope; the innermost object counts, `depth` of them at most."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = value[0]
    if isinstance(value, str):
        return _Found(message=value)
    if not isinstance(value, dict):
        return _Found()
    for name in ("error", "detail", "message"):
        if depth and isinstance(inner := value.get(name), dict):
            return _find(inner, depth - 1)
    words = (_text(value.get(name)) for name in ("error", "detail", "message", "msg"))
    message = next((text for text in words if text), "")
    return _Found(message, _word(value.get("code")), _word(value.get("param")), _status(value))


def _text(value: object) -> str:
    """A sentence, or FastAPI's findings joined to one."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        findings = [item for item in value if isinstance(item, dict)]
        return "; ".join(f"{_place(item.get('loc'))}{item.get('msg', '')}" for item in findings)
    return ""


def _place(loc: object) -> str:
    return ".".join(str(part) for part in loc) + ": " if isinstance(loc, list) else ""


def _word(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None


def _status(value: Mapping[str, object]) -> int | None:
    for name in ("code", "status_code", "status"):
        number = value.get(name)
        if isinstance(number, int) and not isinstance(number, bool):
            return number
    return None


def _prose(body: bytes, headers: Mapping[str, str]) -> str:
    """A plain text body; pages for people are not for clients."""
    if body.lstrip()[:1] in (b"<", b"{", b"[") or "html" in _header(headers, "content-type"):
        return ""
    return body[:_TEXT_LIMIT].decode("utf-8", "replace").strip()


def _header(headers: Mapping[str, str], name: str) -> str:
    found = headers.get(name)
    return found if found is not None else next((value for key, value in headers.items() if key.lower() == name), "")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds. A date counts from the reply's own `Date`, since dialects have no clock."""
    try:
        if milliseconds := _header(headers, "retry-after-ms"):
            return max(float(milliseconds) / 1000, 0.0)
        value = _header(headers, "retry-after")
        return max(float(value), 0.0) if value[:1].isdigit() else _until(value, _header(headers, "date"))
    except (ValueError, TypeError):
        return None


def _until(then: str, now: str) -> float | None:
    if not then or not now:
        return None
    return max((parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds(), 0.0)
