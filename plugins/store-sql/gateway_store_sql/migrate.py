"""Brings the schema up to date: numbered `.sql` files, each run once, whichever process comes first."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import apsw
from msgspec import Struct

from gateway import StartupError

_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied DOUBLE PRECISION NOT NULL
)
"""


class Migration(Struct, frozen=True):
    """name: of its file, without `.sql`; it begins with its number of four digits."""

    name: str
    sql: str

    @property
    def number(self) -> int:
        return int(self.name[:4])

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped() -> Sequence[Migration]:
    """All that this version knows, in order."""
    folder = resources.files(__package__) / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [Migration(name.removesuffix(".sql"), (folder / name).read_text("utf-8")) for name in names]


def migrate(connection: apsw.Connection, migrations: Sequence[Migration], file: Path) -> None:
    """All or nothing, under the write lock, so that workers may start at once.

    Raises StartupError where the database is newer than this code or was made by other files.
    """
    connection.execute("BEGIN EXCLUSIVE")
    try:
        connection.execute(_TABLE)
        applied = {
            int(number): (str(name), str(checksum))
            for number, name, checksum in connection.execute("SELECT number, name, checksum FROM migrations")
        }
        _refuse_newer(applied, migrations, file)
        for migration in migrations:
            _apply(connection, migration, applied.get(migration.number), file)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _refuse_newer(applied: dict[int, tuple[str, str]], migrations: Sequence[Migration], file: Path) -> None:
    newest, known = max(applied, default=0), max((migration.number for migration in migrations), default=0)
    if newest > known:
        raise StartupError(
            f"{file} was written by a newer gateway (its schema is {newest}, this version knows {known}). "
            "Upgrade librechat-gateway-store-sql, or restore the backup made before the upgrade."
        )


def _apply(connection: apsw.Connection, migration: Migration, done: tuple[str, str] | None, file: Path) -> None:
    if done is None:
        connection.execute(migration.sql).fetchall()
        connection.execute(
            "INSERT INTO migrations (number, name, checksum, applied) VALUES (?1, ?2, ?3, ?4)",
            (migration.number, migration.name, migration.checksum, time.time()),
        )
    elif done[1] != migration.checksum:
        raise StartupError(
            f"{file} was made with another text of migration {done[0]} than the installed one. "
            "Install the version of librechat-gateway-store-sql that made it, or restore a backup."
        )
