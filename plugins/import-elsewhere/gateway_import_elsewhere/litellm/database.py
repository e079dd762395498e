"""LiteLLM's PostgreSQL database, read and never written.

Source: LiteLLM `schema.prisma`. Columns come and go with its versions, so rows are read whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import msgspec

from gateway import BadCall, Unavailable

if TYPE_CHECKING:
    from asyncpg import Connection

Row = Mapping[str, Any]
PREFIX = "LiteLLM_"
KEYS, USERS, TEAMS = "VerificationToken", "UserTable", "TeamTable"
ORGANIZATIONS, BUDGETS, REPLACED = "OrganizationTable", "BudgetTable", "DeprecatedVerificationToken"
ORGANIZATION_MEMBERS, TEAM_MEMBERS = "OrganizationMembership", "TeamMembership"
READ = (KEYS, USERS, TEAMS, ORGANIZATIONS, BUDGETS, REPLACED, ORGANIZATION_MEMBERS, TEAM_MEMBERS)
SPEND = "SpendLogs"
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY table_name"


class Rows(msgspec.Struct, frozen=True):
    """tables: those that are taken over, by name without the prefix. others: how many rows the rest have.

    spent: USD of the log of spend.
    """

    tables: Mapping[str, Sequence[Row]]
    others: Mapping[str, int]
    spent: float = 0.0

    def of(self, table: str) -> Sequence[Row]:
        return self.tables.get(table, ())


async def read(url: str) -> Rows:
    """Raises BadCall where this is none of LiteLLM's, Unavailable where it cannot be read."""
    try:
        import asyncpg
    except ImportError as error:
        raise Unavailable(
            "Reading LiteLLM's database takes asyncpg: pip install './plugins/import-elsewhere[postgres]'"
        ) from error
    address, schema = _address(url)
    settings = {"default_transaction_read_only": "on"} | ({"search_path": schema} if schema else {})
    try:
        connection = await asyncpg.connect(address, server_settings=settings, timeout=30)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await _read(connection)
        finally:
            await connection.close()
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unavailable(f"LiteLLM's database cannot be read: {type(error).__name__}: {error}") from error


async def _read(connection: Connection) -> Rows:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    names = [row[0].removeprefix(PREFIX) for row in await connection.fetch(_TABLES) if row[0].startswith(PREFIX)]
    if KEYS not in names:
        raise BadCall(f'This database has no table "{PREFIX}{KEYS}", so it is none of LiteLLM\'s.')
    tables = {name: await connection.fetch(f"SELECT * FROM {_quoted(name)}") for name in READ if name in names}  # noqa: S608
    others = {
        name: await connection.fetchval(f"SELECT count(*) FROM {_quoted(name)}")  # noqa: S608
        for name in names
        if name not in READ
    }
    spent = await connection.fetchval(f"SELECT sum(spend) FROM {_quoted(SPEND)}") if SPEND in names else None  # noqa: S608
    return Rows({name: [dict(row) for row in rows] for name, rows in tables.items()}, others, spent or 0.0)


def _quoted(table: str) -> str:
    return '"' + (PREFIX + table).replace('"', '""') + '"'


def _address(url: str) -> tuple[str, str]:
    """Without the parameters that Prisma alone knows; and the schema that it names."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    known = {name: values[-1] for name, values in query.items() if name in ("sslmode", "host", "port")}
    return urlunsplit(parts._replace(query=urlencode(known))), query.get("schema", [""])[-1]
