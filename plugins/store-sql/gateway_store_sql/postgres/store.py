"""PostgresStore: one database, any number of machines."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from gateway import Secret, StartupError, Store, Unavailable

from ..agents import SqlAgents, SqlGrants
from ..budgets import SqlBudgets
from ..conversations import SqlConversations
from ..database import Transaction
from ..groups import SqlGroups
from ..identities import SqlIdentities
from ..keys import SqlKeys
from ..ledger import SqlLedger
from ..logins import SqlLogins
from ..plan import refuse_foreign, refuse_pending, shipped
from ..resources import SqlResources
from ..responses import SqlResponses
from ..roles import SqlRoles
from ..runs import SqlRuns, forget
from ..spool import Spool
from ..streams import SqlStreams
from ..usage import SqlUsageLog
from ..user_keys import SqlUserKeys, purge
from ..users import SqlUsers
from .database import PostgresDatabase
from .failures import FAILURES, STARTING, refusal, told
from .lanes import Lanes
from .migrate import applied
from .outbox import Outbox
from .pool import CONNECT, Pool

PATIENCE, PAUSE = 10.0, 0.5
"""Seconds for which a start waits for a database that starts as well, and between two tries.

A worker that ends sooner after its start is taken for one that can never start.
"""
PING = 0.5
"""Seconds: whoever asks whether a gateway is ready waits for a second at most."""


class PostgresStore(Store):
    """url: as `address.location` has checked it, which gives location. directory: where records wait on the disk.

    Nothing connects before `open`; an opened one must not be carried over a fork.
    """

    name = "postgresql"
    ledger: SqlLedger
    shared = True

    def __init__(
        self,
        url: Secret,
        location: str,
        directory: Path,
        connections: int,
        spool: int,
        log: logging.Logger | None = None,
    ) -> None:
        self.location = location
        self._log = log or logging.getLogger("gateway.store")
        self._spool = Spool(directory / "usage-spool", spool)
        self._pool = Pool(url, connections)
        self._lanes = Lanes(self._pool)
        self._outbox = Outbox(self._pool, self._spool, self._log)
        self._database = PostgresDatabase(self._pool, self._lanes, self._outbox)
        self.keys = SqlKeys(self._database)
        self.users = SqlUsers(self._database)
        self.roles = SqlRoles(self._database)
        self.groups = SqlGroups(self._database)
        self.identities = SqlIdentities(self._database)
        self.agents = SqlAgents(self._database)
        self.grants = SqlGrants(self._database)
        self.usage = SqlUsageLog(self._database)
        self.user_keys = SqlUserKeys(self._database)
        self.logins = SqlLogins(self._database)
        self.budgets = SqlBudgets(self._database)
        self.runs = SqlRuns(self._database)
        self.responses = SqlResponses(self._database)
        self.resources = SqlResources(self._database)
        self.conversations = SqlConversations(self._database)
        self.streams = SqlStreams(self._database)
        self.ledger = SqlLedger(self._database, self._log)

    async def open(self) -> None:
        self._spool.open()
        try:
            await self._connect()
            await self._check()
            self._lanes.open()
            await self._database.write(_tidy)
        except BaseException as error:
            await self._lanes.close()
            await self._pool.close()
            if isinstance(error, Unavailable):
                raise refusal(error.__cause__ or error, self.location) from error
            raise
        self._outbox.open()
        self.ledger.open()

    async def close(self) -> None:
        await self.ledger.close()
        await self._lanes.close()
        await self._outbox.close()
        await self._pool.close()
        self._spool.close()

    async def ping(self) -> str | None:
        try:
            async with self._pool.connection(PING) as connection:
                await connection.execute("SELECT 1")
        except Unavailable as error:
            waiting = f"; {self._outbox.spooled} usage records wait on the disk" if self._outbox.spooled else ""
            return f"{self.location} cannot be reached: {told(error.__cause__)}{waiting}"
        return self._outbox.trouble

    async def _connect(self) -> None:
        clock = asyncio.get_running_loop().time
        deadline, said = clock() + PATIENCE, False
        while True:
            try:
                return await self._pool.open()
            except FAILURES as error:
                if not isinstance(error, STARTING) or clock() + PAUSE > deadline:
                    raise refusal(error, self.location) from error
                if not said:
                    self._log.warning("Store: waiting for %s: %s", self.location, told(error))
                said = True
            await asyncio.sleep(PAUSE)

    async def _check(self) -> None:
        """Raises StartupError where this version cannot work with what it finds, or Unavailable."""
        async with self._pool.connection(CONNECT) as connection:
            encoding = await connection.fetchval("SHOW server_encoding")
            done = await applied(connection)
        if encoding != "UTF8":
            raise StartupError(
                f"{self.location} keeps text as {encoding}, which cannot hold all of it. "
                "Make a database with UTF8 (createdb -E UTF8 -T template0), and name that in gateway.store.url."
            )
        refuse_foreign(done, shipped(), self.location)
        refuse_pending(done, shipped(), self.location)


async def _tidy(transaction: Transaction) -> None:
    """What expired while nobody was here."""
    await purge(transaction)
    await forget(transaction)
