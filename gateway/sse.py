"""Server-sent events framing, both ways, sans-IO.

Source: WHATWG HTML, "Server-sent events". Lines end with LF, CRLF or CR; a blank line ends an event; a line that
begins with a colon is a comment. Upstreams in the wild leave out the last blank line, so `finish` gives what is left.
"""

from __future__ import annotations

import re

from .errors import UpstreamBroken

EVENT_LIMIT = 16 * 2**20
LARGE = 2**16
"""Bytes of half an event from which on it is worth some care."""
BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"\r\n|\n|\r")
_EVENT = re.compile(rb"(?:[^\r\n]++(?>\r\n|\n|\r))*+(?>\r\n|\n|\r)")


class Splitter:
    """Cuts a byte stream at event boundaries, whatever the split of the reads. Bytes are kept as they came.

    limit: bytes of one event at most; more raises UpstreamBroken.
    """

    __slots__ = ("_limit", "_tail")

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._tail: bytes | bytearray = b""
        self._limit = limit

    def whole(self, data: bytes) -> bytes:
        """All whole events so far in one piece; b"" while there is none."""
        if self._tail:
            if len(self._tail) > LARGE and not _last_boundary(bytes(self._tail[-3:]) + data):
                return self._grown(data)
            data = bytes(self._tail) + data
        end = _last_boundary(data)
        self._tail = data[end:]
        self._check()
        return data[:end]

    def rest(self) -> bytes:
        """What is left without a blank line."""
        tail, self._tail = bytes(self._tail), b""
        return tail

    def _grown(self, data: bytes) -> bytes:
        """More of an event of megabytes (a picture): neither copied nor looked through again with every read."""
        if not isinstance(self._tail, bytearray):
            self._tail = bytearray(self._tail)
        self._tail += data
        self._check()
        return b""

    def _check(self) -> None:
        if len(self._tail) > self._limit:
            self._tail = b""
            raise UpstreamBroken("The upstream sent an event that is too large.")


def events(block: bytes) -> list[bytes]:
    """A block of whole events, cut after every blank line; what has none after it is the last piece.

    The same bytes give the same pieces, however `Splitter` came by them.
    """
    ends = b"\n" if b"\r" not in block else b"\r\n"
    if block.startswith(ends) or not _all_lines_end(block, ends):
        return _mixed(block)
    blank = ends * 2
    if block.find(blank) == len(block) - len(blank):
        return [block]
    if ends * 3 in block:
        return _mixed(block)
    pieces = block.split(blank)
    last = pieces.pop()
    return [piece + blank for piece in pieces] + ([last] if last else [])


def last_events(block: bytes, count: int) -> int:
    """Where a block's last events begin, for those who read along: `count` at least, and no more where lines end with
    LF. 0, so all of it, where there are fewer or lines end otherwise.
    """
    start = len(block)
    for _ in range(count + 1):
        start = block.rfind(b"\n\n", 0, start)
        if start < 0:
            return 0
    return start + 2


def data(event: bytes) -> bytes:
    """An event's data, several lines joined by LF; b"" for a comment or an event without data."""
    if event.startswith(b"data: "):
        if event.find(b"\n") >= len(event) - 2 and b"\r" not in event:
            return event[6:].rstrip(b"\n")
        if event.find(b"\r") == len(event) - 4 and event.find(b"\n") == len(event) - 3:
            return event[6:-4]
    lines = []
    for line in _LINE.split(event.removeprefix(BOM)):
        if line.startswith(b"data:"):
            lines.append(line[6:] if line[5:6] == b" " else line[5:])
    return b"\n".join(lines)


def named(event: bytes) -> bytes:
    """An event's `event:` name; b"" where it has none."""
    if b"event:" not in event:
        return b""
    for line in _LINE.split(event.removeprefix(BOM)):
        if line.startswith(b"event:"):
            return line[6:].strip()
    return b""


def frame(payload: bytes, name: bytes = b"") -> bytes:
    """One event with LF line ends, as clients that split on LF alone can read."""
    if b"\n" in payload or b"\r" in payload:
        payload = b"\ndata: ".join(_LINE.split(payload))
    return b"event: %b\ndata: %b\n\n" % (name, payload) if name else b"data: %b\n\n" % payload


def _last_boundary(data: bytes) -> int:
    """The index after the last blank line; 0 where there is none.

    A CR at the very end may be half of a CRLF, so it ends nothing yet.
    """
    at = data.rfind(b"\n\n")
    end = at + 2 if at >= 0 else 0
    if b"\r" in data:
        for mark in (b"\n\r", b"\r\r"):
            at = data.rfind(mark, 0, -1)
            if at >= 0:
                end = max(end, at + 3 if data[at + 2 : at + 3] == b"\n" else at + 2)
    return end


def _all_lines_end(block: bytes, ends: bytes) -> bool:
    """Whether no line of it ends otherwise."""
    return ends == b"\n" or block.count(ends) == block.count(b"\n") == block.count(b"\r")


def _mixed(block: bytes) -> list[bytes]:
    cut, start = [], 0
    while match := _EVENT.match(block, start):
        cut.append(match[0])
        start = match.end()
    return [*cut, block[start:]] if start < len(block) else cut
