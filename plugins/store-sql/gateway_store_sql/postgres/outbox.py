"""Outbox: jobs and usage records that nobody awaits. While the database fails, records go to the disk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from itertools import islice

from gateway import Unavailable, UsageRecord

from ..complaints import Complaints
from ..database import Job
from ..spool import Segment, Spool
from . import batch, lanes, records
from .batch import Slot
from .failures import told
from .pool import Pool

LINGER = 0.1
"""Seconds that what nobody awaits waits for company."""
BACKOFF_FIRST, BACKOFF_LAST = 0.1, 5.0
KEEP = 0.25
"""Seconds after which what came while the database fails goes to the disk."""
CLOSE_PATIENCE = 5.0
"""Seconds for which jobs, which have no place on the disk, are tried again once the store is closing."""


class Outbox:
    """Called in the loop's thread. limit: jobs, and records, in memory at most; more are lost, which is logged.

    trouble: why the database cannot be written now. spooled: records that this process has put on the disk meanwhile.
    """

    def __init__(self, pool: Pool, spool: Spool, log: logging.Logger, limit: int = 100_000) -> None:
        self._pool = pool
        self._spool = spool
        self._log = log
        self._limit = limit
        self._complaints = Complaints(log)
        self._jobs: deque[Slot] = deque()
        self._records: deque[UsageRecord] = deque()
        self._flushing: list[asyncio.Future[None]] = []
        self._some, self._urgent = asyncio.Event(), asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self.trouble: str | None = None
        self.spooled = 0

    def open(self) -> None:
        """Begins, with what an earlier process left on the disk."""
        self._closing = False
        self._some.set()
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """All is in the database or on the disk, or it is told how much is lost."""
        self._closing = True
        self._some.set()
        self._urgent.set()
        if self._task is not None:
            await self._task
            self._task = None

    def append(self, record: UsageRecord) -> None:
        if self._closing or len(self._records) >= self._limit:
            self._complaints.lost(1, self.trouble or "the queue of writes is full")
            return
        self._records.append(record)
        self._some.set()

    def enqueue(self, job: Job[object]) -> bool:
        if self._closing or len(self._jobs) >= self._limit:
            self._complaints.lost(1, self.trouble or "the queue of writes is full")
            return False
        self._jobs.append(Slot(job))
        self._some.set()
        return True

    async def flush(self) -> None:
        """Returns once all that came before is in the database. Raises Unavailable where it cannot be now."""
        if self._closing or self._task is None:
            raise Unavailable("The store is closed.")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flushing.append(future)
        self._some.set()
        self._urgent.set()
        await future

    async def _run(self) -> None:
        backoff, clock = BACKOFF_FIRST, asyncio.get_running_loop().time
        deadline = float("inf")
        while await self._due():
            flushing, self._flushing = self._flushing, []
            if self._closing:
                deadline = min(deadline, clock() + CLOSE_PATIENCE)
            try:
                await self._deliver()
            except Exception as failure:  # whatever it is, nothing may end what all records go through
                await self._failed(failure, flushing)
                if self._closing and (not self._jobs or clock() > deadline):
                    break
                await self._pause(min(backoff, deadline - clock()))
                backoff = min(backoff * 2, BACKOFF_LAST)
            else:
                backoff, self.trouble = BACKOFF_FIRST, None
                _settle(flushing, None)
        self._end()

    async def _due(self) -> bool:
        """Whether there is something to do; False once the store is closing and nothing is left."""
        if not self._closing:
            await self._some.wait()
            await self._urgently(LINGER)
        self._some.clear()
        self._urgent.clear()
        return bool(not self._closing or self._jobs or self._records or self._spool.waiting or self._flushing)

    async def _urgently(self, seconds: float) -> None:
        """Until then, or until somebody flushes or closes."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._urgent.wait(), seconds)

    async def _deliver(self) -> None:
        """All that waits now. Raises Unavailable; what was not delivered waits on."""
        for left in range(len(self._jobs), 0, -batch.MOST):
            await self._run_jobs(min(left, batch.MOST))
        for left in range(len(self._records), 0, -records.MOST):
            await self._insert(min(left, records.MOST))
        while self._spool.waiting:
            await self._insert_spooled()
        self.spooled = 0

    async def _run_jobs(self, count: int) -> None:
        slots = list(islice(self._jobs, count))
        async with self._pool.connection(lanes.WRITE) as connection:
            await batch.commit(connection, slots)
        for _ in slots:
            self._jobs.popleft()
        self._refused([slot.outcome for slot in slots if isinstance(slot.outcome, Exception)])

    async def _insert(self, count: int) -> None:
        chosen = [self._records.popleft() for _ in range(count)]
        try:
            self._refused(await records.insert(self._pool, chosen))
        except BaseException:
            self._records.extendleft(reversed(chosen))
            raise

    async def _insert_spooled(self) -> None:
        """One file. Where it cannot be read, or not be removed, it stays, and that is told."""
        try:
            segment = await asyncio.to_thread(self._spool.take)
            if segment is not None:
                await self._insert_segment(segment)
        except OSError as error:
            self._spool.waiting = False
            self._complaints.kept(self.spooled, f"records on the disk cannot be read: {error}")

    async def _insert_segment(self, segment: Segment) -> None:
        try:
            await self._insert_all(segment)
        except BaseException:
            segment.release()
            raise
        await asyncio.to_thread(segment.remove)

    async def _insert_all(self, segment: Segment) -> None:
        found = segment.records
        for start in range(0, len(found), records.MOST):
            self._refused(await records.insert(self._pool, found[start : start + records.MOST]))
        if found:
            self._log.info("Store: %d usage records that waited on the disk are in the database now.", len(found))
        if segment.spoiled:
            self._complaints.lost(segment.spoiled, "they were cut on the disk")

    def _refused(self, errors: Sequence[Exception]) -> None:
        if errors:
            self._complaints.lost(len(errors), f"the database refused them, the first with {errors[0]!r}")

    async def _failed(self, failure: Exception, flushing: Sequence[asyncio.Future[None]]) -> None:
        self.trouble = f"the database cannot be written: {told(failure.__cause__ or failure)}"
        if not isinstance(failure, Unavailable):
            self._log.error("Store: %r", failure, exc_info=failure)
        _settle(flushing, failure)
        await self._set_aside()
        self._complaints.kept(len(self._jobs) + len(self._records) + self.spooled, self.trouble)

    async def _pause(self, seconds: float) -> None:
        """Before another try; somebody who flushes, or the end, cuts it short."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while not self._urgent.is_set() and (left := until - clock()) > 0:
            await self._urgently(min(left, KEEP))
            await self._set_aside()
        self._some.set()

    async def _set_aside(self) -> None:
        """To the disk, as much as it takes; the rest waits in memory."""
        if not self._records:
            return
        try:
            dealt, refused = await asyncio.to_thread(self._spool.write, list(self._records))
        except OSError as error:
            self._complaints.kept(len(self._records), f"{self.trouble}, nor can {self._spool.directory}: {error}")
            return
        for _ in range(dealt):
            self._records.popleft()
        self.spooled += dealt - len(refused)
        self._refused(refused)

    def _end(self) -> None:
        """Nothing waits for a task that is no more."""
        self._closing = True
        _settle(self._flushing, Unavailable("The store is closed."))
        if left := len(self._jobs) + len(self._records):
            self._complaints.lost(left, f"the store closed; {self.trouble}")
        self._jobs.clear()
        self._records.clear()
        self._complaints.close()


def _settle(futures: Sequence[asyncio.Future[None]], failure: Exception | None) -> None:
    for future in futures:
        if not future.done() and failure is not None:
            future.set_exception(failure)
        elif not future.done():
            future.set_result(None)
