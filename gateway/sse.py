"""Server-sent events framing, both ways, sans-IO.

Source: WHATWG HTML, "Server-sent events". Lines end with LF, CRLF or CR; a blank line ends an event; a line that
begins with a colon is a comment. Upstreams in the wild leave out the last blank line, so `finish` gives what is left.
"""

from __future__ import annotations

import re

from .errors import UpstreamBroken

EVENT_LIMIT = 16 * 2**20
_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")
_LINE = re.compile(rb"\r\n|\n|\r")


class Splitter:
    """Cuts a byte stream at event boundaries, whatever the split of the reads. Bytes are kept as they came.

    limit: bytes of one event at most; more raises UpstreamBroken.
    """

    __slots__ = ("_limit", "_tail")

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._tail = b""
        self._limit = limit

    def whole(self, data: bytes) -> bytes:
        """All whole events so far in one piece; b"" while there is none."""
        if self._tail:
            data = self._tail + data
        end = _last_boundary(data)
        self._tail = data[end:]
        if len(self._tail) > self._limit:
            raise UpstreamBroken("The upstream sent an event that is too large.")
        return data[:end]

    def rest(self) -> bytes:
        """What is left without a blank line."""
        tail, self._tail = self._tail, b""
        return tail


def events(block: bytes) -> list[bytes]:
    """A block of whole events, cut into one piece an event, blank lines included."""
    if b"\r" not in block:
        pieces = block.split(b"\n\n")
        last = pieces.pop()
        return [piece + b"\n\n" for piece in pieces] + ([last] if last else [])
    cut, start = [], 0
    for match in _END.finditer(block):
        cut.append(block[start : match.end()])
        start = match.end()
    if start < len(block):
        cut.append(block[start:])
    return cut


def data(event: bytes) -> bytes:
    """An event's data, several lines joined by LF; b"" for a comment or an event without data."""
    if event.startswith(b"data: ") and event.find(b"\n") >= len(event) - 2 and b"\r" not in event:
        return event[6:].rstrip(b"\n")
    lines = []
    for line in _LINE.split(event):
        if line.startswith(b"data:"):
            lines.append(line[6:] if line[5:6] == b" " else line[5:])
    return b"\n".join(lines)


def named(event: bytes) -> bytes:
    """An event's `event:` name; b"" where it has none."""
    for line in _LINE.split(event):
        if line.startswith(b"event:"):
            return line[6:].strip()
    return b""


def frame(payload: bytes, name: bytes = b"") -> bytes:
    """One event with LF line ends, as clients that split on LF alone can read."""
    return b"event: %b\ndata: %b\n\n" % (name, payload) if name else b"data: %b\n\n" % payload


def _last_boundary(data: bytes) -> int:
    """The index after the last blank line; 0 where there is none.

    A lone CR at the end may be half of a CRLF, so it ends nothing yet.
    """
    end = data.rfind(b"\n\n") + 2 if b"\n\n" in data else 0
    if b"\r" in data:
        for mark in (b"\r\n\r\n", b"\n\r\n", b"\r\r"):
            at = data.rfind(mark)
            if at >= 0:
                end = max(end, at + len(mark))
        if data.endswith(b"\r\r"):
            end = min(end, len(data) - 2) if end == len(data) else end
    return end
