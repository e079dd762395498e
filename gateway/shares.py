"""How many connections each of several workers has, in memory that they share, so that none takes more than its part.

Workers wait on one listening socket, and the first that wakes would take every connection that is there.
"""

from __future__ import annotations

import mmap
from array import array
from pathlib import Path

ABSENT = 2**32 - 1
"""Of a worker that takes no connections: more than any other has, so nobody waits for it."""


class Shares:
    """The counts of all workers; `file` is made by `lay_out`. index: whose count is ours to tell."""

    def __init__(self, file: Path, index: int) -> None:
        with file.open("r+b") as opened:
            self._counts = memoryview(mmap.mmap(opened.fileno(), 0)).cast("I")
        self._index = index

    def tell(self, connections: int) -> None:
        self._counts[self._index] = connections

    def leave(self) -> None:
        """No more are taken here."""
        self._counts[self._index] = ABSENT

    @property
    def is_ahead(self) -> bool:
        """Whether another worker has fewer."""
        return self._counts[self._index] > min(self._counts)


def lay_out(file: Path, workers: int) -> None:
    """Before any of them starts."""
    file.write_bytes(array("I", [ABSENT] * workers).tobytes())
