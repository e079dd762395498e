"""Behind: what is old is given at once, and fetched anew behind whoever asks for it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable


class Behind(ABC):
    """One fetch at a time. Times are the clock's: from `_renew_at` on it is fetched anew, behind; from `_wait_at` on
    whoever asks waits for that.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._renew_at = 0.0
        self._wait_at = 0.0
        self._renewal: asyncio.Task[None] | None = None

    @abstractmethod
    async def _renew(self) -> None:
        """Fetches it and sets both times. What it raises is whoever waits's."""

    async def _at_hand(self) -> None:
        """Returns once there is something to give."""
        now = self._clock()
        if now >= self._renew_at:
            renewal = self._renewal or self._begin()
            if now >= self._wait_at:
                await asyncio.shield(renewal)

    def _begin(self) -> asyncio.Task[None]:
        renewal = self._renewal = asyncio.create_task(self._renew())
        renewal.add_done_callback(self._done)
        return renewal

    def _done(self, renewal: asyncio.Task[None]) -> None:
        """Its error is looked at here too: nobody may be waiting for it."""
        self._renewal = None
        if not renewal.cancelled():
            renewal.exception()
