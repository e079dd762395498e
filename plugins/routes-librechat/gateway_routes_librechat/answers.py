"""Answers in LibreChat's forms."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from gateway import Answer

Members = dict[str, object]


def told(value: object, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(value), status)


def date_told(at: float) -> str:
    """As JavaScript writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def empty(status: int) -> Answer:
    return Answer(b"", status)


def refused(words: str, **more: str) -> Answer:
    """400, as LibreChat says it."""
    return told({"error": words, **more}, 400)
