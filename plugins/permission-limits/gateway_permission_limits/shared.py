"""Shared: counters that the configuration before and the next one use at the same time, while the one takes over."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Counters, Taken, Want


class Shared(Counters):
    """Open from the first `open` to the last `close`."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self.name = counters.name
        self._users = 0

    async def open(self) -> None:
        self._users += 1
        if self._users == 1:
            await self._counters.open()

    async def close(self) -> None:
        self._users -= 1
        if self._users == 0:
            await self._counters.close()

    async def take(self, wants: Sequence[Want]) -> Taken:
        return await self._counters.take(wants)

    def failure(self) -> str | None:
        return self._counters.failure()
