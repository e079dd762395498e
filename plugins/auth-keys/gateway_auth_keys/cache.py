"""KeyCache: what the store said of keys, for as long as it is known to be true."""

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

    clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.generation = 0
        self._proven = float("-inf")
        self._known: TTLCache[str, Found] = TTLCache(KNOWN_SIZE, KNOWN_SECONDS, clock)
        self._unknown: TTLCache[str, None] = TTLCache(UNKNOWN_SIZE, UNKNOWN_SECONDS, clock)

    @staticmethod
    def of(services: Services) -> KeyCache:
        """The one of this process; it survives a reload."""
        return cast("KeyCache", services.state.setdefault(_STATE, KeyCache()))

    def get(self, digest: str) -> tuple[bool, Found | None]:
        """Whether the answer is known, and it."""
        if self.clock() - self._proven > TRUSTED_SECONDS:
            return False, None
        found = self._known.get(digest)
        return found is not None or digest in self._unknown, found

    def put(self, digest: str, found: Found | None, generation: int) -> None:
        """generation: of before the store was asked. An answer from before a clearing may be out of date already."""
        if generation != self.generation:
            return
        if found is None:
            self._unknown[digest] = None
        else:
            self._known[digest] = found

    def prove(self, at: float) -> None:
        """At this time, by `clock`, all of it was still true."""
        self._proven = at

    def clear(self) -> None:
        self.generation += 1
        self._proven = float("-inf")
        self._known.clear()
        self._unknown.clear()
