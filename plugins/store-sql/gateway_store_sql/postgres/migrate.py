"""Migrations on PostgreSQL: by `gateway migrate` alone; a start only looks whether they have been run."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from gateway import Secret

from ..migrator import Migrator
from ..plan import (
    APPLIED,
    DELETE,
    INSERT,
    TABLE,
    Applied,
    Migration,
    Standing,
    missing_of,
    refuse_foreign,
    standings,
    undone_by,
)
from .dialect import schema, statement
from .failures import FAILURES, refusal
from .pool import CLOSE, CONNECT

LOCK = 0x6761746577617931
"""Of all gateways' migrations in a database: of two machines that begin at once, one waits for the other."""
_THERE = "SELECT to_regclass('migrations') IS NOT NULL"
SETTINGS = {"application_name": "librechat-gateway migrate", "lock_timeout": "60000", "statement_timeout": "3600000"}
"""Milliseconds, which the server counts."""
LOOK, RUN = 10.0, 3700.0
"""Seconds for a statement, where the server does not answer; a migration may have much to do."""


class PostgresMigrator(Migrator):
    """location: as `address.location` gives it."""

    def __init__(self, url: Secret, location: str, migrations: Sequence[Migration]) -> None:
        self.location = location
        self._url = url
        self._migrations = migrations

    async def status(self) -> Sequence[Standing]:
        async with self._connected(LOOK) as connection:
            return standings(await applied(connection), self._migrations)

    async def up(self) -> Sequence[Migration]:
        async with self._connected(RUN) as connection, connection.transaction():
            missing = missing_of(await self._begun(connection), self._migrations)
            await connection.execute(schema(TABLE))
            for one in missing:
                await connection.execute(schema(one.sql))
                await connection.execute(statement(INSERT), one.number, one.name, one.checksum, time.time())
            return missing

    async def down(self, to: int) -> Sequence[Migration]:
        async with self._connected(RUN) as connection, connection.transaction():
            undone = undone_by(await self._begun(connection), self._migrations, to)
            for one in undone:
                await connection.execute(one.down)
                await connection.execute(statement(DELETE), one.number)
            return undone

    async def _begun(self, connection: asyncpg.Connection[Any]) -> Sequence[Applied]:
        """What is applied, now that nobody else changes it."""
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        done = await applied(connection)
        refuse_foreign(done, self._migrations, self.location)
        return done

    @asynccontextmanager
    async def _connected(self, patience: float) -> AsyncIterator[asyncpg.Connection[Any]]:
        try:
            connection = await asyncpg.connect(
                self._url.reveal(), timeout=CONNECT, command_timeout=patience, server_settings=SETTINGS
            )
            try:
                yield connection
            finally:
                await connection.close(timeout=CLOSE)
        except FAILURES as error:
            raise refusal(error, self.location) from error


async def applied(connection: asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]) -> Sequence[Applied]:
    if not await connection.fetchval(_THERE):
        return ()
    return [Applied(*row) for row in await connection.fetch(APPLIED)]
