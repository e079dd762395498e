"""Answers in LibreChat's forms."""

from __future__ import annotations

import msgspec

from gateway import Answer

Members = dict[str, object]


def told(value: object, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(value), status)


def empty(status: int) -> Answer:
    return Answer(b"", status)


def refused(words: str, **more: str) -> Answer:
    """400, as LibreChat says it."""
    return told({"error": words, **more}, 400)
