"""PostgresDatabase: look-ups and reports on pooled connections, jobs in lanes, the rest in the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from gateway import UsageRecord

from ..database import Database, Job, Rows, Values
from .batch import PostgresTransaction
from .dialect import statement
from .failures import unavailable
from .lanes import Lanes
from .outbox import Outbox
from .pool import Pool

T = TypeVar("T")
LOOKUP, REPORT = 2.0, 60.0
"""Seconds, the wait for a connection included."""
REPORTS = 2
"""At once, so that they leave connections for look-ups."""


class PostgresDatabase(Database):
    def __init__(self, pool: Pool, lanes: Lanes, outbox: Outbox) -> None:
        self._pool = pool
        self._lanes = lanes
        self._outbox = outbox
        self._reports = asyncio.Semaphore(REPORTS)

    async def rows(self, sql: str, values: Values = ()) -> Rows:
        async with self._pool.connection(LOOKUP) as connection:
            return await connection.fetch(statement(sql), *values)

    async def report(self, sql: str, values: Values, read: Callable[[Rows], T]) -> T:
        try:
            async with asyncio.timeout(REPORT), self._reports, self._pool.connection(REPORT) as connection:
                rows = await connection.fetch(statement(sql), *values)
        except TimeoutError as error:
            raise unavailable(error) from error
        return await asyncio.to_thread(read, rows)

    async def snapshot(self, job: Job[T]) -> T:
        try:
            async with (
                asyncio.timeout(REPORT),
                self._reports,
                self._pool.connection(REPORT) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                return await job(PostgresTransaction(connection))
        except TimeoutError as error:
            raise unavailable(error) from error

    async def write(self, job: Job[T]) -> T:
        return await self._lanes.run(job)

    def enqueue(self, job: Job[object]) -> bool:
        return self._outbox.enqueue(job)

    def append(self, record: UsageRecord) -> None:
        self._outbox.append(record)

    async def flush(self) -> None:
        await self._outbox.flush()
