"""Arguments, which are text elsewhere, as the object that they are here.

What is no object is kept under the name that the vendor's documentation gives for it, so that the model can still read
what it once wrote.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Raw

from gateway.wire import jsontext

INVALID = "INVALID_JSON"
FREE = "input"


def of(kind: Literal["function", "custom"], text: str) -> tuple[Raw, bool]:
    """The object, and whether it says all that the arguments say."""
    if kind == "custom":
        return jsontext.raw({FREE: text}), True
    if not text.strip():
        return Raw(b"{}"), True
    data = text.encode("utf-8", "replace").strip()
    if data.startswith(b"{") and _valid(data):
        return Raw(data), True
    return jsontext.raw({INVALID: text}), False


def _valid(data: bytes) -> bool:
    try:
        jsontext.loaded(data)
    except jsontext.UNREADABLE:
        return False
    return (b"NaN" not in data and b"Infinity" not in data) or _strict(data)


def _strict(data: bytes) -> bool:
    """The standard library takes numbers that JSON has not."""
    try:
        jsontext.mended(data)
    except jsontext.UNREADABLE:
        return False
    return True
