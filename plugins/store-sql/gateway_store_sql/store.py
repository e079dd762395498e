"""SqliteStore: one file, any number of processes on one machine."""

from __future__ import annotations

import logging
from pathlib import Path

import apsw

from gateway import GatewayError, Store

from .agents import SqlAgents, SqlGrants
from .budgets import SqlBudgets
from .connect import check_library, open_writer, refusal
from .conversations import SqlConversations
from .files import prepare
from .groups import SqlGroups
from .identities import SqlIdentities
from .inserts import write
from .keys import SqlKeys
from .ledger import SqlLedger
from .logins import SqlLogins
from .migrate import migrate
from .plan import shipped
from .reader import Reader
from .resources import SqlResources
from .responses import SqlResponses
from .roles import SqlRoles
from .runs import SqlRuns, forget
from .sqlite import SqliteDatabase, run
from .streams import SqlStreams
from .usage import SqlUsageLog
from .user_keys import SqlUserKeys, purge
from .users import SqlUsers
from .writer import Writer

FILE = "gateway.db"


class SqliteStore(Store):
    """Nothing is opened and no thread is started before `open`; an opened one must not be carried over a fork."""

    name = "sqlite"
    ledger: SqlLedger
    shared = False

    def __init__(self, directory: Path, log: logging.Logger | None = None) -> None:
        self._file = directory / FILE
        self.directory = str(directory)
        self.location = str(self._file)
        self._reader = Reader(self._file)
        self._writer = Writer(self._connect, write, log or logging.getLogger("gateway.store"))
        self._database = SqliteDatabase(self._reader, self._writer)
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
        self.ledger = SqlLedger(self._database, log or logging.getLogger("gateway.store"))

    async def open(self) -> None:
        check_library(apsw.sqlite_lib_version())
        try:
            await self._writer.open()
            self._reader.open()
        except apsw.Error as error:
            await self.close()
            raise refusal(error, self._file) from error
        self.ledger.open()

    async def close(self) -> None:
        await self.ledger.close()
        # The last connection to close merges the log into the database, which a reading one cannot.
        self._reader.close()
        await self._writer.close()

    async def ping(self) -> str | None:
        if not self._file.exists():
            return f"the database {self._file} was removed while in use; restart the gateway"
        try:
            self._reader.rows("SELECT 1")
            if self._writer.trouble:  # it may be over, with nothing left to write since
                await self.usage.flush()
        except GatewayError as error:
            return f"{self._writer.trouble or error.__cause__ or error.public}"
        return None

    def _connect(self) -> apsw.Connection:
        """In the writer's thread."""
        prepare(self._file.parent, self._file)
        connection = open_writer(self._file)
        try:
            migrate(connection, shipped(), self._file)
            run(purge, connection)
            run(forget, connection)
        except BaseException:
            connection.close()
            raise
        return connection
