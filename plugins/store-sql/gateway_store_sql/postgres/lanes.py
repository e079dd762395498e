"""Lanes: jobs that somebody awaits. What waits together is committed together, and a few such batches run at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TypeVar

import asyncpg

from gateway import Unavailable

from ..database import Job
from .batch import MOST, Slot, commit
from .pool import Pool

T = TypeVar("T")
LANES = 4
WRITE = 5.0
"""Seconds for a batch, the wait for a connection included."""
PAUSES = (0.0, 0.02, 0.05, 0.1)
"""Seconds before another try, where batches of two machines waited for each other and this one was ended."""


class Lanes:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: deque[Slot] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    async def run(self, job: Job[T]) -> T:
        """Committed when it returns. Raises what the job raises, or Unavailable."""
        if self._closed:
            raise Unavailable("The store is closed.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(Slot(job, future))
        if len(self._running) < LANES:
            lane = asyncio.create_task(self._work())
            self._running.add(lane)
            lane.add_done_callback(self._running.discard)
        return await future

    def open(self) -> None:
        self._closed = False

    async def close(self) -> None:
        """After what waits is done."""
        self._closed = True
        await asyncio.gather(*self._running)

    async def _work(self) -> None:
        while self._waiting:
            slots = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]
            try:
                await self._commit(slots)
            except Exception as error:  # whatever it is, it belongs to those who wait
                _fail(slots, error)
            for slot in slots:
                slot.settle()

    async def _commit(self, slots: Sequence[Slot]) -> None:
        for pause in PAUSES:
            try:
                return await self._once(slots)
            except Unavailable as error:
                if not isinstance(error.__cause__, asyncpg.TransactionRollbackError):
                    raise
            await asyncio.sleep(pause)
        return await self._once(slots)

    async def _once(self, slots: Sequence[Slot]) -> None:
        async with self._pool.connection(WRITE) as connection:
            await commit(connection, slots)


def _fail(slots: Sequence[Slot], error: Exception) -> None:
    for slot in slots:
        slot.outcome = error
