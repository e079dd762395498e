"""How much a model has said, by the bytes of a stream: the ground for an estimate where no usage comes."""

from __future__ import annotations

from collections.abc import Callable

TOKEN = 4
"""Bytes of output that are taken for one token."""


class OutputSize:
    """The first bytes are measured, the rest counts in their proportion: deltas of one stream are much alike.

    Each delta counts for a token at least, as upstreams hardly send less. find: the texts of all deltas in some bytes,
    b"" for a delta without any. sample: bytes to be measured.
    """

    __slots__ = ("_bytes", "_deltas", "_find", "_said", "_sample", "_sampled")

    def __init__(self, find: Callable[[bytes], list[bytes]], sample: int) -> None:
        self._find = find
        self._sample = sample
        self._sampled = 0
        self._bytes = 0
        self._said = 0
        self._deltas = 0

    def add(self, block: bytes) -> int:
        """Takes in more of the stream, not empty; gives the bytes of output so far."""
        self._bytes += len(block)
        if self._sampled < self._sample:
            sample = block[: self._sample - self._sampled]
            self._sampled += len(sample)
            found = self._find(sample)
            self._said += len(b"".join(found))
            self._deltas += len(found) - found.count(b"")
        said = max(self._said, TOKEN * self._deltas)
        return said * self._bytes // self._sampled
