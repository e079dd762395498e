"""The schema's history: numbered `.sql` files, each with a `.down.sql` that undoes it, and the way between two states.

Both databases read the same text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Literal

from msgspec import Struct

from gateway import StartupError

TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied DOUBLE PRECISION NOT NULL
)
"""
APPLIED = "SELECT number, name, checksum, applied FROM migrations ORDER BY number"
INSERT = "INSERT INTO migrations (number, name, checksum, applied) VALUES (?1, ?2, ?3, ?4)"
DELETE = "DELETE FROM migrations WHERE number = ?1"
_UP, _DOWN = ".sql", ".down.sql"


class Migration(Struct, frozen=True):
    """name: of its file, without `.sql`; it begins with its number of four digits. down: what undoes it."""

    name: str
    sql: str
    down: str = ""

    @property
    def number(self) -> int:
        return int(self.name[:4])

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


class Applied(Struct, frozen=True):
    """A row of `migrations`. at: epoch seconds."""

    number: int
    name: str
    checksum: str
    at: float


class Standing(Struct, frozen=True):
    """How a migration stands in a database. newer: this version does not know it. changed: it was another text."""

    number: int
    name: str
    state: Literal["applied", "pending", "newer", "changed"]
    applied: float | None = None


def shipped() -> Sequence[Migration]:
    """All that this version knows, in order."""
    folder = resources.files(__package__) / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(_UP))
    return [
        Migration(name, (folder / (name + _UP)).read_text("utf-8"), (folder / (name + _DOWN)).read_text("utf-8"))
        for name in (name.removesuffix(_UP) for name in names if not name.endswith(_DOWN))
    ]


def standings(applied: Sequence[Applied], migrations: Sequence[Migration]) -> Sequence[Standing]:
    known, done = {one.number: one for one in migrations}, {one.number: one for one in applied}
    pending = [Standing(one.number, one.name, "pending") for one in migrations if one.number not in done]
    return sorted([*pending, *(_standing(one, known.get(one.number)) for one in applied)], key=lambda one: one.number)


def _standing(done: Applied, known: Migration | None) -> Standing:
    if known is None:
        return Standing(done.number, done.name, "newer", done.at)
    return Standing(done.number, done.name, "applied" if known.checksum == done.checksum else "changed", done.at)


def refuse_foreign(applied: Sequence[Applied], migrations: Sequence[Migration], where: str) -> None:
    """Raises StartupError where the database is newer than this code, or was made by other files."""
    for one in standings(applied, migrations):
        if one.state == "changed":
            raise StartupError(
                f"{where} was made with another text of migration {one.name} than the installed one. "
                "Install the version of librechat-gateway-store-sql that made it, or restore a backup."
            )
    newest, known = _newest(applied), max((one.number for one in migrations), default=0)
    if newest > known:
        raise StartupError(
            f"{where} was written by a newer gateway (its schema is {newest}, this version knows {known}). "
            "Upgrade librechat-gateway-store-sql, or restore the backup made before the upgrade, or undo what is "
            f"newer, with the newer version: gateway migrate down --to {known}"
        )


def refuse_pending(applied: Sequence[Applied], migrations: Sequence[Migration], where: str) -> None:
    """Raises StartupError where the database is older than this code."""
    if missing := missing_of(applied, migrations):
        raise StartupError(
            f"{where} has the schema {_newest(applied)}, and this version needs {missing[-1].number}. Run, once for "
            "all machines and with this version: gateway migrate up"
        )


def missing_of(applied: Sequence[Applied], migrations: Sequence[Migration]) -> Sequence[Migration]:
    """What is to be run, in order."""
    done = {one.number for one in applied}
    return [migration for migration in migrations if migration.number not in done]


def undone_by(applied: Sequence[Applied], migrations: Sequence[Migration], to: int) -> Sequence[Migration]:
    """What is to be undone, newest first, for the migrations up to `to` to be left."""
    done = {one.number for one in applied}
    return [one for one in reversed(migrations) if one.number in done and one.number > to]


def _newest(applied: Sequence[Applied]) -> int:
    return max((one.number for one in applied), default=0)
