"""Together: works that are done in one transaction, all that wait; one transaction after the other.

So a hundred callers share a disk flush and a handful of statements, on either database, and works are done in the order
in which they came. Who awaits a work is answered once it is committed. One that nobody awaits is kept and tried again
while the database fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from gateway import Unavailable

from .complaints import Complaints
from .database import Database, Transaction

W = TypeVar("W")
Post = Callable[[Transaction, Sequence[W]], Coroutine[Any, Any, Sequence[Any]]]
"""Does them within a transaction; an outcome for each, in their order."""
MOST = 256
LINGER = 0.1
"""Seconds that what nobody awaits waits for company."""
BACKOFF_FIRST, BACKOFF_LAST = 0.1, 5.0
CLOSE_PATIENCE = 15.0
"""Seconds for which what nobody awaits is tried again once the store is closing."""


class Waiting(Generic[W]):
    """work: None for who only waits until all before is done. future: of who awaits it."""

    __slots__ = ("future", "work")

    def __init__(self, work: W | None, future: asyncio.Future[Any] | None) -> None:
        self.work = work
        self.future = future

    def answer(self, outcome: Any) -> None:
        if self.future is None or self.future.done():
            return
        if isinstance(outcome, BaseException):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


class Together(Generic[W]):
    """Called in the loop's thread. limit: works in memory that nobody awaits; more are lost, which is logged."""

    def __init__(self, database: Database, post: Post[W], log: logging.Logger, limit: int = 100_000) -> None:
        self._database = database
        self._post = post
        self._limit = limit
        self._complaints = Complaints(log)
        self._waiting: deque[Waiting[W]] = deque()
        self._some, self._urgent = asyncio.Event(), asyncio.Event()
        self._closing = True
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._closing = False
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """All is committed, or it is told how much is lost."""
        self._closing = True
        self._some.set()
        self._urgent.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def submit(self, work: W) -> Any:
        """Its outcome; durable when it returns. Raises what it raises, or Unavailable: then it may be done or not."""
        return await self._answered(work)

    async def flush(self) -> None:
        """Returns once all that came before is committed. Raises Unavailable; it is tried again then."""
        await self._answered(None)

    def enqueue(self, work: W) -> None:
        """Soon, after all that came before."""
        if self._closing or len(self._waiting) >= self._limit:
            self._complaints.lost(1, "the store is closed" if self._closing else "the queue of writes is full")
            return
        self._waiting.append(Waiting(work, None))
        self._some.set()

    async def _answered(self, work: W | None) -> Any:
        if self._closing:
            raise Unavailable("The store is closed.")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(work, future))
        self._some.set()
        self._urgent.set()
        return await future

    async def _run(self) -> None:
        backoff, deadline, clock = BACKOFF_FIRST, float("inf"), asyncio.get_running_loop().time
        while await self._due():
            if self._closing:
                deadline = min(deadline, clock() + CLOSE_PATIENCE)
            taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]
            try:
                await self._do(taken)
                backoff = BACKOFF_FIRST
            except Unavailable as failure:
                self._keep(taken, failure)
                if clock() > deadline:
                    break
                await self._urgently(backoff)
                backoff = min(backoff * 2, BACKOFF_LAST)
        self._end()

    async def _due(self) -> bool:
        """Whether there is something to do; False once the store is closing and nothing is left."""
        while not self._waiting and not self._closing:
            self._some.clear()
            await self._some.wait()
        if not self._closing:
            await self._urgently(LINGER)
        self._urgent.clear()
        return bool(self._waiting)

    async def _urgently(self, seconds: float) -> None:
        """Until then, or until somebody awaits something, or closes."""
        if not self._urgent.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._urgent.wait(), seconds)

    async def _do(self, taken: list[Waiting[W]]) -> None:
        """What is done is taken out. Raises Unavailable. Where works fail together each is done by itself."""
        works = [one.work for one in taken if one.work is not None]
        try:
            outcomes = iter(await self._database.write(lambda transaction: self._post(transaction, works)))
        except Unavailable:
            raise
        except Exception as error:  # a work's own fault, whatever it is
            await self._do_each(taken, error)
            return
        for one in taken:
            one.answer(None if one.work is None else next(outcomes))
        taken.clear()

    async def _do_each(self, taken: list[Waiting[W]], error: Exception) -> None:
        """error: of all of them together. Raises Unavailable."""
        if len(taken) == 1:
            self._refuse(taken.pop(), error)
        while taken:
            await self._do(taken[:1])
            del taken[0]

    def _refuse(self, one: Waiting[W], error: Exception) -> None:
        one.answer(error)
        if one.future is None:
            self._complaints.lost(1, f"the database refused it with {error!r}")

    def _keep(self, taken: list[Waiting[W]], failure: Unavailable) -> None:
        """Whoever awaits is told; what nobody awaits goes back to where it stood."""
        for one in (*taken, *self._waiting):
            one.answer(failure)
        left = [one for one in (*taken, *self._waiting) if one.future is None]
        self._waiting = deque(left)
        if left:
            self._complaints.kept(len(left), f"the database cannot be written: {failure.__cause__ or failure}")

    def _end(self) -> None:
        """Nothing waits for a task that is no more."""
        for one in self._waiting:
            one.answer(Unavailable("The store is closed."))
        if left := sum(one.future is None for one in self._waiting):
            self._complaints.lost(left, "the store closed while the database could not be written")
        self._waiting.clear()
        self._complaints.close()
