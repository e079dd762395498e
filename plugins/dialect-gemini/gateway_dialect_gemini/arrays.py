"""A stream as a JSON array, cut after each of its elements, whatever the split of the reads.

`streamGenerateContent` answers so without `alt=sse`. Bytes are kept as they came; an element's piece begins with what
stands before it: the opening bracket, or a comma.
"""

from __future__ import annotations

import re

from gateway import UpstreamBroken
from gateway.sse import EVENT_LIMIT

_MARK = re.compile(rb'["{}\[\]]')
_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)


class Splitter:
    """ended: the array's closing bracket has come; or, where one object came instead of an array, that object."""

    __slots__ = ("_array", "_at", "_depth", "_limit", "_quoted", "_tail", "ended")

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._tail: bytes | bytearray = b""
        self._at = 0
        self._depth = 0
        self._quoted = False
        self._array = False
        self._limit = limit
        self.ended = False

    def whole(self, data: bytes) -> list[bytes]:
        """All whole elements so far. Raises UpstreamBroken where one is too large."""
        held: bytes | bytearray = data
        if self._tail:  # grows in its place, however large the element and small the reads
            held = self._tail if isinstance(self._tail, bytearray) else bytearray(self._tail)
            held += data
        found, start = [], 0
        for end in self._ends(held):
            found.append(bytes(held[start:end]))
            start = end
        self._tail = held[start:] if start else held
        self._at -= start
        if len(self._tail) > self._limit:
            self.rest()
            raise UpstreamBroken("The upstream sent an element that is too large.")
        return found

    def rest(self) -> bytes:
        """What is left: the closing bracket, or half an element."""
        tail, self._tail, self._at = bytes(self._tail), b"", 0
        return tail

    def _ends(self, data: bytes | bytearray) -> list[int]:
        ends = []
        while self._at < len(data):
            if self._quoted:
                if not self._unquote(data):
                    break
                continue
            mark = _MARK.search(data, self._at)
            if mark is None:
                self._at = len(data)
                break
            self._at = mark.end()
            if self._step(mark[0]):
                ends.append(self._at)
        return ends

    def _unquote(self, data: bytes | bytearray) -> bool:
        """Goes to the end of a string, False where that has not come; a last backslash waits for what it escapes."""
        found = _STRING.match(data, self._at)
        self._at = found.end() if found else self._at
        if data[self._at : self._at + 1] != b'"':
            return False
        self._quoted = False
        self._at += 1
        return True

    def _step(self, mark: bytes) -> bool:
        """Whether an element ends here."""
        if mark == b'"':
            self._quoted = True
        elif mark == b"[" and self._depth == 0 and not self._array:
            self._array = True
        elif mark == b"]" and self._depth == 0:
            self.ended = True
        elif mark in b"{[":
            self._depth += 1
        elif self._depth:
            self._depth -= 1
            self.ended = self.ended or (self._depth == 0 and not self._array)
            return self._depth == 0
        return False
