"""LiteLLM's durations, `30s`, `24h`, `7d`, `1mo`, as windows of the gateway's budgets."""

from __future__ import annotations

import re

_FORM = re.compile(r"(\d{1,4})\s*(s|m|h|d|w|mo)")
_UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month"}
_WORDS = {"hourly": "1h", "daily": "1d", "weekly": "1w", "monthly": "1mo"}
NONE = "none"


def window(duration: str | None) -> tuple[str, bool]:
    """As `30 days`, and whether it is as it was: seconds become whole minutes. Raises ValueError."""
    if not duration:
        return NONE, True
    found = _FORM.fullmatch(_WORDS.get(duration.strip().lower(), duration.strip().lower()))
    if found is None or int(found[1]) == 0:
        raise ValueError(f"{duration[:40]!r} is no duration")
    count, unit = int(found[1]), found[2]
    if unit == "s":
        exact = count % 60 == 0
        return f"{-(-count // 60)} minutes", exact
    return f"{count} {_UNITS[unit]}s", True
