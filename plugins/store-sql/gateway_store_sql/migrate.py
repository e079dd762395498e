"""Migrations on SQLite: at every start, whichever process comes first, and by `gateway migrate`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw

from .connect import open_reader, open_writer, refusal
from .files import prepare
from .migrator import Migrator
from .plan import (
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

Run = Callable[[apsw.Connection], Sequence[Migration]]
WAIT = 10_000
"""Milliseconds for a lock."""


class SqliteMigrator(Migrator):
    """A file that is missing has no migrations yet; only `up` makes it."""

    def __init__(self, file: Path, migrations: Sequence[Migration]) -> None:
        self.location = str(file)
        self._file = file
        self._migrations = migrations

    async def status(self) -> Sequence[Standing]:
        if not self._file.exists():
            return standings((), self._migrations)
        try:
            with closing(open_reader(self._file, WAIT)) as connection:
                return standings(applied(connection), self._migrations)
        except apsw.Error as error:
            raise refusal(error, self._file) from error

    async def up(self) -> Sequence[Migration]:
        prepare(self._file.parent, self._file)
        return self._write(lambda connection: migrate(connection, self._migrations, self._file))

    async def down(self, to: int) -> Sequence[Migration]:
        if not self._file.exists():
            return ()
        return self._write(lambda connection: unmigrate(connection, self._migrations, self._file, to))

    def _write(self, run: Run) -> Sequence[Migration]:
        try:
            with closing(open_writer(self._file)) as connection:
                return run(connection)
        except apsw.Error as error:
            raise refusal(error, self._file) from error


def migrate(connection: apsw.Connection, migrations: Sequence[Migration], file: Path) -> Sequence[Migration]:
    """All or nothing, under the write lock, so that workers may start at once; what was run.

    Raises StartupError where the database is newer than this code or was made by other files.
    """

    def run(connection: apsw.Connection) -> Sequence[Migration]:
        connection.execute(TABLE)
        done = applied(connection)
        refuse_foreign(done, migrations, str(file))
        missing = missing_of(done, migrations)
        for one in missing:
            connection.execute(one.sql).fetchall()
            connection.execute(INSERT, (one.number, one.name, one.checksum, time.time()))
        return missing

    return _exclusively(connection, run)


def unmigrate(connection: apsw.Connection, migrations: Sequence[Migration], file: Path, to: int) -> Sequence[Migration]:
    """Undoes what is newer than `to`, all or nothing; what was undone. Raises StartupError as `migrate`."""

    def run(connection: apsw.Connection) -> Sequence[Migration]:
        done = applied(connection)
        refuse_foreign(done, migrations, str(file))
        undone = undone_by(done, migrations, to)
        for one in undone:
            connection.execute(one.down).fetchall()
            connection.execute(DELETE, (one.number,))
        return undone

    return _exclusively(connection, run)


def applied(connection: apsw.Connection) -> Sequence[Applied]:
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").fetchall():
        return ()
    rows: list[tuple[Any, ...]] = connection.execute(APPLIED).fetchall()
    return [Applied(*row) for row in rows]


def _exclusively(connection: apsw.Connection, run: Run) -> Sequence[Migration]:
    connection.execute("BEGIN EXCLUSIVE")
    try:
        done = run(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return done
