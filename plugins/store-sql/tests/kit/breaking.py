"""Faults at the n-th thing that a store asks of its database, on either of them, by the databases' own errors."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import apsw

SQLITE = (apsw.FullError, apsw.IOError, apsw.BusyError)


class Breaking:
    """It breaks once for each `arm`: at the n-th statement, BEGIN and COMMIT being some, in each of the ways of SQLITE
    or POSTGRES in turn. fell_on: the statement.
    """

    def __init__(self) -> None:
        self.fell_on = ""
        self._at = self._left = 0
        self._taken = True

    def arm(self, at: int, taken: bool = True) -> None:
        """taken: whether PostgreSQL does a COMMIT that breaks, and only the answer to it is lost."""
        self._at = self._left = at
        self._taken = taken
        self.fell_on = ""

    def disarm(self) -> None:
        self._left = 0

    def falls(self, sql: str) -> bool:
        """Whether this is the one."""
        self._left -= 1
        if self._left == 0:
            self.fell_on = sql
        return self._left == 0

    def on_sqlite(self, store: Any) -> None:
        """Before it is opened."""
        connect = store._writer._connect

        def connected() -> apsw.Connection:
            connection = connect()
            connection.exec_trace = self._trace
            return connection

        store._writer._connect = connected

    def _trace(self, cursor: object, sql: str, values: object) -> bool:
        if self.falls(sql):
            raise SQLITE[self._at % len(SQLITE)]("as the test wants it")
        return True

    def on_postgres(self, store: Any) -> None:
        """Its pool's connections from now on."""
        pool = store._pool
        connection_of = pool.connection

        @contextlib.asynccontextmanager
        async def connection(seconds: float) -> AsyncIterator[Any]:
            async with connection_of(seconds) as made:
                yield Frail(made, self)

        pool.connection = connection

    async def asked(self, connection: Any, sql: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        if not self.falls(sql):
            return await ask()
        if sql == "COMMIT":
            return await (lost_after if self._taken else lost_before)(connection, ask)
        return await POSTGRES[self._at % len(POSTGRES)](connection, ask)


class Frail:
    """A connection of asyncpg's on which something may break."""

    def __init__(self, connection: Any, breaking: Breaking) -> None:
        self._connection = connection
        self._breaking = breaking

    async def execute(self, sql: str) -> Any:
        return await self._breaking.asked(self._connection, sql, lambda: self._connection.execute(sql))

    async def fetch(self, sql: str, *values: Any) -> Any:
        return await self._breaking.asked(self._connection, sql, lambda: self._connection.fetch(sql, *values))

    async def executemany(self, sql: str, rows: Any) -> Any:
        return await self._breaking.asked(self._connection, sql, lambda: self._connection.executemany(sql, rows))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


async def lost_before(connection: Any, ask: Callable[[], Awaitable[Any]]) -> None:
    """Its server process ends before it has heard of it."""
    await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


async def lost_after(connection: Any, ask: Callable[[], Awaitable[Any]]) -> None:
    """Its server process has done it, and ends before it has said so."""
    await ask()
    await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


async def full(connection: Any, ask: Callable[[], Awaitable[Any]]) -> None:
    """The server refuses it, with the code of a full disk."""
    await connection.execute("DO $$ BEGIN RAISE EXCEPTION 'as the test wants it' USING ERRCODE = '53100'; END $$")


POSTGRES = (lost_before, lost_after, full)
