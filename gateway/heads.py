"""The first lines of HTTP messages, as bytes."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

_REASONS = {status.value: status.phrase for status in HTTPStatus}


class HeadInjection(ValueError):
    """A header's text holds a line end, so it would begin a header of its own."""


def compose(first: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The first line, the headers, and the blank line. Raises HeadInjection."""
    lines = [first, *[f"{name}: {value}" for name, value in headers], "\r\n"]
    text = "\r\n".join(lines)
    ends = len(lines)
    if text.count("\n") != ends or text.count("\r") != ends or "\0" in text:
        raise HeadInjection("a header holds a line end")
    return text.encode("utf-8", "surrogateescape")


def status_line(status: int, version: str = "1.1") -> str:
    return f"HTTP/{version} {status} {_REASONS.get(status, '')}"
