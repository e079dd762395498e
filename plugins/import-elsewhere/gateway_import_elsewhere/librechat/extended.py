"""MongoDB's Extended JSON, both canonical and relaxed, as plain values.

Source: MongoDB's specification of Extended JSON v2.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

_WHOLE = ("$numberInt", "$numberLong")
_BROKEN = ("$numberDouble", "$numberDecimal")


def plain(value: Any) -> Any:
    """Ids as text, dates as ISO text in UTC, numbers as numbers; what has no plain form stays as it is written."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(kind, inner)] = value.items()
        if kind == "$oid" and isinstance(inner, str):
            return inner
        if kind == "$date" and (moment := epoch(value)) is not None:
            return iso(moment)
        if kind in _WHOLE and isinstance(inner, str) and re.fullmatch(r"-?\d{1,19}", inner):
            return int(inner)
        if kind in _BROKEN and isinstance(inner, str) and re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d{1,3})?", inner):
            return float(inner)
    return {name: plain(inner) for name, inner in value.items()}


def epoch(value: Any) -> float | None:
    """Seconds of a date: `{"$date": …}` with ISO text, milliseconds or `{"$numberLong": …}`, or any of these alone.

    None where there is none, or what is there is no date.
    """
    for wrapped in ("$date", "$numberLong"):
        if isinstance(value, dict):
            value = value.get(wrapped, value)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value / 1000
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
            return int(value) / 1000
        if isinstance(value, str):
            moment = datetime.datetime.fromisoformat(value)
            return moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp()
    except (ValueError, OverflowError):
        pass
    return None


def iso(moment: float) -> str:
    """As LibreChat's own JSON has dates: milliseconds, `Z`."""
    found = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(milliseconds=round(moment * 1000))
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text(document: Mapping[str, Any], name: str) -> str:
    """A member of a plain document; "" where it is none, or no text."""
    value = document.get(name)
    return value.strip() if isinstance(value, str) else ""
