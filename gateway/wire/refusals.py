"""What an upstream says when it refuses: the words and codes of its error, and when to come again.

Shapes in the wild: `{error:{message,type,param,code}}`, the same in a list, `{code,error:"text"}`, `{message}`,
`{message:{detail:…}}`, `{detail:"text"}`, and `{detail:[{loc,msg}]}` where a framework checked the call.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import msgspec

from ..errors import UpstreamBroken, UpstreamError, UpstreamRefused

TEXT_LIMIT = 1000
"""Bytes of a plain text body that are taken for its words."""


class Said(msgspec.Struct):
    """What could be read of an error. message: "" where it has none. status: a number among its codes.

    retry_after: seconds, where the error itself names them; dialects that know where put them in.
    """

    message: str = ""
    code: str | None = None
    param: str | None = None
    status: int | None = None
    retry_after: float | None = None


def said(value: object, depth: int = 3) -> Said:
    """Of an envelope, of an error object or of a bare string, as builtins; the innermost object counts.

    depth: envelopes within each other at most.
    """
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = value[0]
    if isinstance(value, str):
        return Said(message=value)
    if not isinstance(value, dict):
        return Said()
    for name in ("error", "detail", "message"):
        if depth and isinstance(inner := value.get(name), dict):
            return said(inner, depth - 1)
    words = (_text(value.get(name)) for name in ("error", "detail", "message", "msg"))
    message = next((text for text in words if text), "")
    return Said(message, _word(value.get("code")), _word(value.get("param")), _status(value))


def refused(found: Said, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
    """A reply with an error's status."""
    after = retry_after(headers)
    return UpstreamRefused(
        found.message or wordless(status, headers, body),
        status,
        body=body,
        content_type=header(headers, "content-type"),
        code=found.code,
        param=found.param,
        retry_after=found.retry_after if after is None else after,
    )


def in_band(found: Said) -> UpstreamError:
    """An error within a reply that had begun: a refusal where it has the status of one, else a fault of the reply."""
    message = found.message or "The upstream reported an error within its reply."
    if found.status is not None and 400 <= found.status < 600:
        return UpstreamRefused(message, found.status, code=found.code, param=found.param, retry_after=found.retry_after)
    return UpstreamBroken(message, code=found.code, param=found.param)


def wordless(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """What to say of an error without a message: its plain text, else its status."""
    return prose(body, headers) or f"The upstream answered with status {status}."


def prose(body: bytes, headers: Mapping[str, str]) -> str:
    """A plain text body; "" for JSON and for pages, which are for people and not for clients."""
    if body.lstrip()[:1] in (b"<", b"{", b"[") or "html" in header(headers, "content-type"):
        return ""
    return body[:TEXT_LIMIT].decode("utf-8", "replace").strip()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from `retry-after-ms` or RFC 9110's `Retry-After`; None where neither can be read.

    A date counts from the reply's own `Date`, since dialects have no clock.
    """
    milliseconds = _number(header(headers, "retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = header(headers, "retry-after")
    seconds = _number(value)
    return _until(value, header(headers, "date")) if seconds is None else seconds


def header(headers: Mapping[str, str], name: str) -> str:
    """A header by its lower-case name, whatever the case of its key; "" where there is none."""
    found = headers.get(name)
    return found if found is not None else next((value for key, value in headers.items() if key.lower() == name), "")


def _text(value: object) -> str:
    """A sentence, or a list of findings joined to one."""
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


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if found >= 0 and math.isfinite(found) else None


def _until(then: str, now: str) -> float | None:
    if not then or not now:
        return None
    try:
        return max((parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None
