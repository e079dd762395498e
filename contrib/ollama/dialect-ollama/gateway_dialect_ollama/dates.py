"""Times as RFC 3339 text, as Go writes them, and as epoch seconds."""

from __future__ import annotations

from datetime import UTC, datetime

NEVER = "0001-01-01T00:00:00Z"
"""Go's time that was not set."""


def text(seconds: int | None) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else NEVER
    except (ValueError, OverflowError, OSError):
        return NEVER


def seconds(text: str | None) -> int | None:
    """None for what is no time, or none that was set."""
    if not text or text.startswith("0001"):
        return None
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError, OSError):
        return None
