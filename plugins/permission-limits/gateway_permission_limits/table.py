"""Table: numbers by 16-byte names in shared memory. Who uses it holds its lock.

Buckets of 16 entries, the names of a bucket first and their numbers behind them, so that one search by the C library
finds a name. An entry whose numbers mean nothing any more is free; nobody ever has to clear one.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Collection

NAME = 16
ENTRIES = 16
_NAMES = NAME * ENTRIES


class Table:
    """words: numbers of an entry, of 8 bytes each. numbers: all of the memory, as such numbers."""

    def __init__(self, memory: mmap.mmap, numbers: memoryview, start: int, entries: int, words: int) -> None:
        self.numbers = numbers
        self._memory = memory
        self._search = memory.find
        self._start = start
        self._words = words
        self._buckets = buckets(entries)
        self._size = bucket_size(words)

    def find(self, name: bytes) -> int:
        """The place of its first number; -1 where it has no entry."""
        start = self._start + int.from_bytes(name[:8], "little") % self._buckets * self._size
        at = self._search(name, start, start + _NAMES)
        while at >= 0 and (at - start) % NAME:
            at = self._search(name, at + 1, start + _NAMES)
        return -1 if at < 0 else (start + _NAMES) // 8 + (at - start) // NAME * self._words

    def claim(self, name: bytes, free: Callable[[int], bool], taken: Collection[int]) -> int:
        """An entry for a new name, its numbers 0: the first one that is free and not taken; -1 where there is none."""
        start = self._start + int.from_bytes(name[:8], "little") % self._buckets * self._size
        for entry in range(ENTRIES):
            place = (start + _NAMES) // 8 + entry * self._words
            if place not in taken and free(place):
                at = start + entry * NAME
                self.numbers[place : place + self._words] = _ZEROS[: self._words]
                self._memory[at : at + NAME] = name
                return place
        return -1


_ZEROS = memoryview(bytes(8 * 64)).cast("q")


def buckets(entries: int) -> int:
    return -(-entries // ENTRIES)


def bucket_size(words: int) -> int:
    """Bytes."""
    return _NAMES + ENTRIES * words * 8


def size(entries: int, words: int) -> int:
    """Bytes of a table of at least so many entries."""
    return buckets(entries) * bucket_size(words)
