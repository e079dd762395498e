"""Writer: the one thread of this process that writes. What waits together is committed together.

A batch is one transaction: all jobs that wait, in the order they came and each within its own savepoint, and all usage
records. An awaited job's future is resolved after the commit, never before, so what was awaited is durable, and with it
every record appended before. A job that nobody awaits, and a record, is kept and tried again when a commit fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import apsw

from gateway import Unavailable, UsageRecord

from .complaints import Complaints

T = TypeVar("T")
Apply = Callable[[apsw.Connection], T]
Write = Callable[[apsw.Connection, Sequence[UsageRecord]], Sequence[Exception]]
"""Inserts records; returns the errors of those that were refused, raises apsw.Error where the database failed."""

LINGER = 0.1
"""Seconds that what nobody awaits waits for company; an awaited job takes it along at once."""
BACKOFF_FIRST, BACKOFF_LAST = 0.1, 5.0
CLOSE_PATIENCE = 15.0
"""Seconds for which a failing commit is tried again once the store is closing."""


class Job:
    __slots__ = ("apply", "future", "outcome")

    def __init__(self, apply: Apply[Any], future: asyncio.Future[Any] | None) -> None:
        self.apply = apply
        self.future = future
        self.outcome: Any = None


class Batch:
    __slots__ = ("jobs", "records", "refused")

    def __init__(self, jobs: list[Job], records: list[UsageRecord]) -> None:
        self.jobs = jobs
        self.records = records
        self.refused: Sequence[Exception] = ()


class Writer:
    """`submit`, `enqueue` and `append` are called in the loop's thread; all with a connection happens in the writer's.

    limit: unawaited jobs, and records, held at most; more are lost, which is logged.
    """

    def __init__(
        self, connect: Callable[[], apsw.Connection], write: Write, log: logging.Logger, limit: int = 100_000
    ) -> None:
        self._connect = connect
        self._write = write
        self._limit = limit
        self._complaints = Complaints(log)
        self._wake = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._records: deque[UsageRecord] = deque()
        self._awaited = 0
        self._closing = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self.trouble: str | None = None

    async def open(self) -> None:
        """Starts the thread and returns once it has connected; raises what `connect` raises."""
        self._loop = asyncio.get_running_loop()
        self._closing = False
        ready: asyncio.Future[None] = self._loop.create_future()
        # A daemon, so that a process which never calls close can still end.
        self._thread = threading.Thread(target=self._run, args=(ready,), name="gateway-store-writer", daemon=True)
        self._thread.start()
        await ready

    async def close(self) -> None:
        """Commits what waits, or says how much could not be committed."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    async def submit(self, apply: Apply[T]) -> T:
        """Runs it in a transaction; durable when this returns. Raises what it raises, or Unavailable."""
        if self._thread is None or self._closing:
            raise Unavailable("The store is closed.")
        future: asyncio.Future[T] = self._loop.create_future()
        with self._wake:
            self._jobs.append(Job(apply, future))
            self._awaited += 1
            self._wake.notify()
        return await future

    def enqueue(self, apply: Apply[object]) -> bool:
        """Runs it soon. It may run again after a failed commit, so it changes nothing but the database.

        False where no more may wait, which is told.
        """
        with self._wake:
            if len(self._jobs) >= self._limit or self._closing:
                self._complaints.lost(1, self.trouble or "the queue of writes is full")
                return False
            self._jobs.append(Job(apply, None))
            if len(self._jobs) == 1:
                self._wake.notify()
            return True

    def append(self, record: UsageRecord) -> None:
        """Writes it soon. Without the lock: the writer, which holds it, may wait for the interpreter's."""
        records = self._records
        if len(records) >= self._limit or self._closing:
            self._complaints.lost(1, self.trouble or "the queue of writes is full")
            return
        records.append(record)
        if len(records) == 1:  # the writer sleeps only when nothing waits
            with self._wake:
                self._wake.notify()

    def _run(self, ready: asyncio.Future[None]) -> None:
        try:
            connection = self._connect()
        except BaseException as error:  # whatever it is, it belongs to whoever awaits `open`
            self._loop.call_soon_threadsafe(_settle, ready, error)
            return
        self._loop.call_soon_threadsafe(_settle, ready, None)
        try:
            self._work(connection)
        finally:
            self._end(connection)

    def _work(self, connection: apsw.Connection) -> None:
        backoff, deadline = BACKOFF_FIRST, float("inf")
        while batch := self._take():
            if self._closing:
                deadline = min(deadline, time.monotonic() + CLOSE_PATIENCE)
            failure = _commit(connection, batch, self._write)
            if failure is None:
                backoff, self.trouble = BACKOFF_FIRST, None
                self._resolve(batch)
            elif time.monotonic() > deadline:
                self._give_up(batch, failure)
                return
            else:
                self._keep(batch, failure)
                self._pause(backoff)
                backoff = min(backoff * 2, BACKOFF_LAST)

    def _end(self, connection: apsw.Connection) -> None:
        """Nothing waits for a thread that is no more."""
        with self._wake:
            self._closing = True
            awaited = [job for job in self._jobs if job.future is not None]
            self._jobs.clear()
            left = len(self._records)
            self._records.clear()
        self._refuse(awaited, apsw.ConnectionClosedError("the store is closed"))
        if left:
            self._complaints.lost(left, "the store closed")
        self._complaints.close()
        connection.close()

    def _take(self) -> Batch | None:
        """All that waits; None when the store is closing and nothing is left."""
        with self._wake:
            self._wake.wait_for(lambda: self._jobs or self._records or self._closing)
            if not self._awaited and not self._closing:
                self._wake.wait_for(lambda: self._awaited or self._closing, LINGER)
            # The jobs first: who awaits one is promised what was appended before it.
            jobs = [self._jobs.popleft() for _ in range(len(self._jobs))]
            records = [self._records.popleft() for _ in range(len(self._records))]
            self._awaited = 0
        return Batch(jobs, records) if jobs or records else None

    def _resolve(self, batch: Batch) -> None:
        outcomes = [job.outcome for job in batch.jobs if job.future is None and isinstance(job.outcome, Exception)]
        if refused := [*outcomes, *batch.refused]:
            self._complaints.lost(len(refused), f"the database refused them, the first with {refused[0]!r}")
        self._settle([job for job in batch.jobs if job.future is not None])

    def _settle(self, awaited: list[Job]) -> None:
        """One call into the loop for all."""
        if awaited:
            with contextlib.suppress(RuntimeError):  # the loop is gone, and with it whoever awaited
                self._loop.call_soon_threadsafe(_settle_all, awaited)

    def _keep(self, batch: Batch, failure: apsw.Error) -> None:
        """Whoever awaits is told; what nobody awaits goes back to where it stood."""
        with self._wake:
            waiting = [*batch.jobs, *self._jobs]
            self._jobs = deque(job for job in waiting if job.future is None)
            self._records.extendleft(reversed(batch.records))
            self._awaited = 0
            self.trouble = f"the database cannot be written: {failure}"
            self._complaints.kept(len(self._jobs) + len(self._records), self.trouble)
        self._refuse([job for job in waiting if job.future is not None], failure)

    def _give_up(self, batch: Batch, failure: apsw.Error) -> None:
        with self._wake:
            waiting = [*batch.jobs, *self._jobs]
            self._jobs.clear()
            lost = len(batch.records) + len(self._records)
            self._records.clear()
        self._refuse([job for job in waiting if job.future is not None], failure)
        if lost := lost + sum(job.future is None for job in waiting):
            self._complaints.lost(lost, f"the store closed while the database could not be written: {failure}")

    def _refuse(self, awaited: list[Job], failure: apsw.Error) -> None:
        for job in awaited:
            job.outcome = unavailable(failure)
        self._settle(awaited)

    def _pause(self, seconds: float) -> None:
        """Waits before the next try; somebody who awaits, or the end, cuts it short."""
        with self._wake:
            self._wake.wait_for(lambda: self._awaited or self._closing, seconds)
        if self._closing:
            time.sleep(min(seconds, 0.1))


def _commit(connection: apsw.Connection, batch: Batch, write: Write) -> apsw.Error | None:
    """Runs the batch. Outcomes are in it; the failure is that of the transaction as a whole."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job in batch.jobs:
            job.outcome = _attempt(connection, job.apply)
        batch.refused = write(connection, batch.records)
        connection.execute("COMMIT")
    except apsw.Error as error:
        if connection.in_transaction:
            with contextlib.suppress(apsw.Error):
                connection.execute("ROLLBACK")
        return error
    return None


def _attempt(connection: apsw.Connection, apply: Apply[Any]) -> Any:
    """What it returns, or raised: its error must not take the rest of the batch along.

    Raises apsw.Error where the database itself failed.
    """
    connection.execute("SAVEPOINT job")
    try:
        outcome = apply(connection)
    except (apsw.ConstraintError, apsw.TooBigError) as error:
        connection.execute("ROLLBACK TO job")
        outcome = error
    except apsw.Error:
        raise
    except Exception as error:  # the job's own fault, whatever it is; the thread outlives it
        connection.execute("ROLLBACK TO job")
        outcome = error
    connection.execute("RELEASE job")
    return outcome


def _settle_all(awaited: list[Job]) -> None:
    for job in awaited:
        _settle(job.future, job.outcome)


def _settle(future: asyncio.Future[Any] | None, outcome: Any) -> None:
    if future is None or future.done():
        return
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def unavailable(cause: apsw.Error) -> Unavailable:
    error = Unavailable("The store cannot be reached at the moment; try again.", retry_after=1.0)
    error.__cause__ = cause
    return error
