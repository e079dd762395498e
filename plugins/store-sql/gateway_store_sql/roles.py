"""Roles on SQL: what was said about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway import RemotePermissions, Role, Roles

from .changes import AGENTS, changed, turn
from .database import Database, Transaction
from .text import check, storable

_ALL = "SELECT name, remote_agents FROM roles ORDER BY name"
_GET = "SELECT name, remote_agents FROM roles WHERE name = ?1"
_PUT = """
INSERT INTO roles (name, remote_agents) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET remote_agents = excluded.remote_agents
"""
_DELETE = "DELETE FROM roles WHERE name = ?1 RETURNING name"
_DELETE_GRANTS = "DELETE FROM access_grants WHERE principal = 'role' AND principal_id = ?1"


class Said(RemotePermissions, frozen=True):
    """All that is said of a role, in one document; what came first is its own members."""

    agents: RemotePermissions = RemotePermissions()
    mcp_servers: RemotePermissions = RemotePermissions()


_said = msgspec.json.Decoder(Said)


class SqlRoles(Roles):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> Role | None:
        rows = await self._database.rows(_GET, (name,)) if storable(name) else ()
        return role(rows[0]) if rows else None

    async def list(self) -> Sequence[Role]:
        return await self._database.report(_ALL, (), lambda rows: [role(row) for row in rows])

    async def put(self, role: Role) -> None:
        """Raises BadCall for what is no text."""
        check("The role's name", role.name)
        remote = role.remote_agents
        said = Said(remote.use, remote.create, remote.share, remote.public, role.agents, role.mcp_servers)
        values = (role.name, msgspec.json.encode(said).decode())

        async def write(transaction: Transaction) -> None:
            await changed(transaction)
            await transaction.rows(_PUT, values)

        await self._database.write(write)

    async def delete(self, name: str) -> bool:
        async def remove(transaction: Transaction) -> bool:
            await turn(transaction)
            if not await transaction.rows(_DELETE, (name,)):
                return False
            await changed(transaction)
            await changed(transaction, AGENTS)
            await transaction.rows(_DELETE_GRANTS, (name,))
            return True

        return storable(name) and await self._database.write(remove)


def role(row: Sequence[Any]) -> Role:
    said = _said.decode(row[1])
    remote = RemotePermissions(said.use, said.create, said.share, said.public)
    return Role(row[0], remote, said.agents, said.mcp_servers)
