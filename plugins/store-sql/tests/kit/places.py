"""Where a test's stores are, on either database."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path

import apsw
from gateway_store_sql.choice import migrator_of, store_of
from gateway_store_sql.migrate import SqliteMigrator
from gateway_store_sql.migrator import Migrator
from gateway_store_sql.plan import Migration
from gateway_store_sql.postgres.migrate import PostgresMigrator
from gateway_store_sql.settings import StoreSettings

from gateway import Secret, Settings, Store
from gateway.testing.postgres import PostgresServer

PROLOGUE = """
import asyncio, sys, time
from gateway import Secret, Settings, UsageRecord
from gateway_store_sql.choice import store_of
from gateway_store_sql.settings import StoreSettings
given = StoreSettings(directory=sys.argv[1], url=Secret(sys.argv[2]) if sys.argv[2] else None)
store = store_of(Settings({StoreSettings: given}, {}, frozenset()))
"""
_SCHEMA_SQLITE = "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name <> 'migrations'"
_SCHEMA_POSTGRES = """
SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name FROM information_schema.columns
WHERE table_schema = 'public' AND table_name <> 'migrations' ORDER BY 1, ordinal_position;
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'migrations' ORDER BY 1;
SELECT conrelid::regclass, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid <> COALESCE(to_regclass('migrations'), 0) ORDER BY 1, 2
"""
_TABLES_SQLITE = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'migrations'"
_COLUMNS_SQLITE = "SELECT name FROM pragma_table_info('{}')"
_COLUMNS_POSTGRES = """
SELECT table_name, string_agg(column_name, ', ' ORDER BY ordinal_position) FROM information_schema.columns
WHERE table_schema = 'public' AND table_name <> 'migrations' GROUP BY 1 ORDER BY 1
"""


def settings(directory: Path, url: str | None = None, **more: int) -> Settings:
    given = StoreSettings(directory=str(directory), url=Secret(url) if url else None, **more)
    return Settings({StoreSettings: given}, {}, frozenset())


@dataclass(frozen=True)
class Place:
    """directory: of the state. database: its name on the PostgreSQL server; both are None for SQLite."""

    directory: Path
    database: str | None = None
    server: PostgresServer | None = None

    @property
    def name(self) -> str:
        return "sqlite" if self.server is None else "postgresql"

    @property
    def url(self) -> str | None:
        return None if self.server is None or self.database is None else self.server.url_of(self.database)

    def store(self, **more: int) -> Store:
        """As another process would make it; not opened."""
        return store_of(settings(self.directory, self.url, **more))

    def migrator(self, migrations: Sequence[Migration] | None = None) -> Migrator:
        """Of these migrations, or of all."""
        if migrations is None:
            return migrator_of(settings(self.directory, self.url))
        if self.url is None:
            return SqliteMigrator(self.directory / "gateway.db", migrations)
        return PostgresMigrator(Secret(self.url), "postgresql://there/database", migrations)

    def running(self, code: str, *words: str, stdin: int | None = None) -> subprocess.Popen[str]:
        """Python in a process of its own, with `store` made and not opened, and `words` in sys.argv[3:]."""
        command = [sys.executable, "-c", PROLOGUE + code, str(self.directory), self.url or "", *words]
        return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, text=True)

    def sql(self, text: str) -> list[str]:
        """Statements, past the store; a line a row."""
        if self.server is not None and self.database is not None:
            return self.server.sql(text, self.database).splitlines()
        with closing(apsw.Connection(str(self.directory / "gateway.db"))) as connection:
            return [str(row) for row in connection.execute(text).fetchall()]

    def schema(self) -> list[str]:
        return self.sql(_SCHEMA_SQLITE if self.url is None else _SCHEMA_POSTGRES)

    def columns(self) -> dict[str, str]:
        """By table, all of them except `migrations`: what to select for all that it has now."""
        if self.server is not None:
            return dict(row.split("|") for row in self.sql(_COLUMNS_POSTGRES))
        tables = [_word(row) for row in self.sql(_TABLES_SQLITE)]
        return {name: ", ".join(_word(row) for row in self.sql(_COLUMNS_SQLITE.format(name))) for name in tables}

    def rows(self, columns: Mapping[str, str] | None = None) -> dict[str, list[str]]:
        """By table; of these columns, or of all there are."""
        asked = self.columns() if columns is None else columns
        if self.server is None:
            return {name: sorted(self.sql(f"SELECT {listed} FROM {name}")) for name, listed in asked.items()}
        found: dict[str, list[str]] = {name: [] for name in asked}
        for row in self.sql(" UNION ALL ".join(starmap(_as_text, asked.items()))) if asked else ():
            name, _, values = row.partition("|")
            found[name].append(values)
        return {name: sorted(rows) for name, rows in found.items()}


def _as_text(table: str, columns: str) -> str:
    """One column of rows as psql would print them, after the table's name: all tables are asked at once."""
    values = ", ".join(f"COALESCE({column}::text, '')" for column in columns.split(", "))
    return f"SELECT concat_ws('|', '{table}', {values}) FROM {table}"


def _word(row: str) -> str:
    return row.strip("(),'")
