"""SqliteDatabase: jobs in the writer's thread, look-ups in the loop's, reports in one of their own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import apsw

from gateway import UsageRecord

from .database import Database, Job, Rows, Transaction, Values
from .reader import Reader
from .writer import Writer

T = TypeVar("T")


class SqliteTransaction(Transaction):
    """Whoever awaits it is never suspended, so that a job runs through within the writer's thread. Nobody else writes
    meanwhile.
    """

    __slots__ = ("_connection",)
    for_update = ""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    async def rows(self, sql: str, values: Values = ()) -> Rows:
        return self._connection.execute(sql, values).fetchall()

    async def many(self, sql: str, values: Sequence[Values]) -> None:
        self._connection.executemany(sql, values).fetchall()


class SqliteDatabase(Database):
    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def rows(self, sql: str, values: Values = ()) -> Rows:
        return self._reader.rows(sql, values)

    async def report(self, sql: str, values: Values, read: Callable[[Rows], T]) -> T:
        return await self._reader.report(lambda connection: read(connection.execute(sql, values).fetchall()))

    async def snapshot(self, job: Job[T]) -> T:
        return await self._reader.report(lambda connection: _at_once(job, connection))

    async def write(self, job: Job[T]) -> T:
        return await self._writer.submit(lambda connection: run(job, connection))

    def enqueue(self, job: Job[object]) -> bool:
        return self._writer.enqueue(lambda connection: run(job, connection))

    def append(self, record: UsageRecord) -> None:
        self._writer.append(record)

    async def flush(self) -> None:
        await self._writer.submit(lambda connection: None)


def run(job: Job[T], connection: apsw.Connection) -> T:
    return _finished(job(SqliteTransaction(connection)))


def _at_once(job: Job[T], connection: apsw.Connection) -> T:
    connection.execute("BEGIN")
    try:
        return run(job, connection)
    finally:
        connection.execute("ROLLBACK")


def _finished(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        coroutine.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    coroutine.close()
    raise RuntimeError("a job of the store awaited something besides its transaction")
