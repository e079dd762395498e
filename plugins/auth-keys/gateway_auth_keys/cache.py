"""KeyCache: what the store said of keys, for as long as it is known to be true, and a while longer without a store."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

from cachetools import TTLCache

from gateway import Key, Principal, Services

KNOWN_SECONDS, UNKNOWN_SECONDS = 60.0, 5.0
KNOWN_SIZE, UNKNOWN_SIZE = 20_000, 2_000
TRUSTED_SECONDS = 1.5
"""Answers are used this long after the last proof that nothing has changed; half a second is left for a slow poll."""
_STATE = "auth-keys.cache"

Found = tuple[Key, Principal]


class KeyCache:
    """Digest to key and principal, or to None: unknown keys are kept apart, so that a flood of them displaces nobody.

    grace: seconds after the last proof for which answers are used while the store is away. clock: seconds, monotonic.
    watched: by how many; during a reload they are two.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, grace: float = 0.0) -> None:
        self.clock = clock
        self.grace = grace
        self.generation = 0
        self.watched = 0
        self._proven = float("-inf")
        self._away = False
        self._known: TTLCache[str, tuple[float, Found]] = TTLCache(KNOWN_SIZE, KNOWN_SECONDS + grace, clock)
        self._unknown: TTLCache[str, None] = TTLCache(UNKNOWN_SIZE, UNKNOWN_SECONDS, clock)

    @staticmethod
    def of(services: Services, grace: float) -> KeyCache:
        """The one of this process; it survives a reload, unless that changes the grace."""
        kept = services.state.get(_STATE)
        if kept is None or kept.grace != grace:
            services.state[_STATE] = KeyCache(grace=grace)
        return cast("KeyCache", services.state[_STATE])

    def get(self, digest: str) -> tuple[bool, Found | None]:
        """Whether the answer is known, and it. While the store is away it is that of the last time."""
        now = self.clock()
        if now - self._proven > TRUSTED_SECONDS:
            found = self.remembered(digest) if self._away else None
            return found is not None, found
        kept = self._known.get(digest)
        if kept is None:
            return digest in self._unknown, None
        at, found = kept
        return (True, found) if now - at < KNOWN_SECONDS else (False, None)

    def remembered(self, digest: str) -> Found | None:
        """For who cannot ask the store: the answer of the last time, within the grace."""
        kept = self._known.get(digest)
        return None if kept is None or not self.left() else kept[1]

    def put(self, digest: str, found: Found | None, generation: int) -> None:
        """generation: of before the store was asked. An answer from before a clearing may be out of date already."""
        if generation != self.generation:
            return
        if found is None:
            self._unknown[digest] = None
        else:
            self._known[digest] = (self.clock(), found)

    def prove(self, at: float) -> None:
        """At this time, by `clock`, all of it was still true."""
        self._proven = at
        self._away = False

    def miss(self) -> None:
        """The store is away, so that nothing can be proven."""
        self._away = True

    def left(self) -> float:
        """Seconds for which answers may be used without the store."""
        return max(0.0, self._proven + self.grace - self.clock())

    def clear(self) -> None:
        self.generation += 1
        self._proven = float("-inf")
        self._known.clear()
        self._unknown.clear()
