"""Agents on SQL, each a document, and the grants on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from gateway import AccessGrant, Agent, Agents, BadCall, Grants, Page
from gateway.identity import DELETE, EDIT, PAGE, REMOTE_AGENT, SHARE, VIEW

from .changes import AGENTS, REVISION, changed, turn
from .database import Database, Transaction
from .pages import most, page
from .resources import forget_of_agent
from .text import check, storable

_GET = "SELECT document FROM agents WHERE id = ?1"
_PAGE = "SELECT document FROM agents WHERE id > ?1 ORDER BY id LIMIT ?2"
_PUT = "INSERT INTO agents (id, document) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET document = excluded.document"
_DELETE = "DELETE FROM agents WHERE id = ?1 RETURNING id"
_DELETE_GRANTS = "DELETE FROM access_grants WHERE resource = ?1 AND resource_id = ?2"
_GRANT = "resource, resource_id, principal, principal_id, bits, granted_by, granted"
_GRANTS = f"SELECT {_GRANT} FROM access_grants WHERE resource = ?1"  # noqa: S608 - the names are ours
_ALL_GRANTS = f"{_GRANTS} ORDER BY resource_id, principal, principal_id"
_GRANTS_OF = f"{_GRANTS} AND resource_id = ?2 ORDER BY principal, principal_id"
_PUT_GRANT = f"""
INSERT INTO access_grants ({_GRANT}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (resource, resource_id, principal, principal_id)
DO UPDATE SET bits = excluded.bits, granted_by = excluded.granted_by, granted = excluded.granted
"""  # noqa: S608
_REMOVE_GRANT = """
DELETE FROM access_grants WHERE resource = ?1 AND resource_id = ?2 AND principal = ?3 AND principal_id = ?4
"""
_EVERY_BIT = VIEW | EDIT | DELETE | SHARE
_agent = msgspec.json.Decoder(Agent)


class Listed(msgspec.Struct, frozen=True):
    """An Agent without its versions, which are most of a document and are not read for a list."""

    id: str
    name: str = ""
    description: str = ""
    instructions: str = ""
    provider: str = ""
    model: str = ""
    model_parameters: Mapping[str, Any] = {}
    tools: tuple[str, ...] = ()
    author: str = ""
    extra: Mapping[str, Any] = {}
    created: float = 0.0
    updated: float = 0.0
    version: int = 0


_listed = msgspec.json.Decoder(Listed)


class SqlAgents(Agents):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, agent_id: str) -> Agent | None:
        rows = await self._database.rows(_GET, (agent_id,)) if storable(agent_id) else ()
        return _agent.decode(rows[0][0]) if rows else None

    async def list(self, limit: int = PAGE, after: str = "") -> Page[Agent]:
        if not storable(after):
            return Page(())
        return await self._database.report(
            _PAGE,
            (after, most(limit)),
            lambda rows: page([_without_versions(row[0]) for row in rows], limit, lambda one: one.id),
        )

    async def put(self, agent: Agent) -> None:
        """Raises BadCall without an id, or for what is no text."""
        values = _row(agent)

        async def write(transaction: Transaction) -> None:
            await changed(transaction, AGENTS)
            await transaction.rows(_PUT, values)

        await self._database.write(write)

    async def change(self, agent_id: str, change: Callable[[Agent | None], Agent | None]) -> Agent | None:
        """Raises BadCall as `put` does."""
        check("The agent's id", agent_id)

        async def write(transaction: Transaction) -> Agent | None:
            await turn(transaction, AGENTS)
            rows = await transaction.rows(f"{_GET} {transaction.for_update}", (agent_id,))
            there = _agent.decode(rows[0][0]) if rows else None
            becomes = change(there)
            if becomes is None:
                return there
            values = _row(becomes)
            await changed(transaction, AGENTS)
            await transaction.rows(_PUT, values)
            return becomes

        return await self._database.write(write)

    async def delete(self, agent_id: str) -> bool:
        async def remove(transaction: Transaction) -> bool:
            await turn(transaction, AGENTS)
            if not await transaction.rows(_DELETE, (agent_id,)):
                return False
            await changed(transaction, AGENTS)
            await transaction.rows(_DELETE_GRANTS, (REMOTE_AGENT, agent_id))
            await forget_of_agent(transaction, agent_id)
            return True

        return storable(agent_id) and await self._database.write(remove)

    async def revision(self) -> int:
        rows = await self._database.rows(REVISION, (AGENTS,))
        return int(rows[0][0]) if rows else 0


class SqlGrants(Grants):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, resource: str, resource_id: str | None = None) -> Sequence[AccessGrant]:
        if not storable(resource + (resource_id or "")):
            return ()
        sql, values = (_ALL_GRANTS, (resource,)) if resource_id is None else (_GRANTS_OF, (resource, resource_id))
        return await self._database.report(sql, values, lambda rows: [grant(row) for row in rows])

    async def change(self, put: Sequence[AccessGrant] = (), removed: Sequence[AccessGrant] = ()) -> None:
        """Raises BadCall for bits that are none, and for what is no text."""
        for one in (*put, *removed):
            check("A grant", one.resource, one.resource_id, one.principal_id, one.by)
        if any(not 0 < one.bits <= _EVERY_BIT for one in put):
            raise BadCall(f"The bits of a grant are a number from 1 to {_EVERY_BIT}.", param="bits")
        added, gone = (
            [msgspec.structs.astuple(one) for one in put],
            [msgspec.structs.astuple(one)[:4] for one in removed],
        )

        async def write(transaction: Transaction) -> None:
            await changed(transaction, AGENTS)
            await transaction.many(_REMOVE_GRANT, gone)
            await transaction.many(_PUT_GRANT, added)

        await self._database.write(write)


def _without_versions(document: str | bytes) -> Agent:
    return Agent(**msgspec.structs.asdict(_listed.decode(document)))


def _row(agent: Agent) -> tuple[str, str]:
    """Raises BadCall."""
    check("The agent's id", agent.id)
    if not agent.id:
        raise BadCall("An agent needs an id.", param="id")
    return agent.id, _written(agent)


def grant(row: Sequence[Any]) -> AccessGrant:
    return AccessGrant(*row)


def _written(agent: Agent) -> str:
    try:
        return msgspec.json.encode(agent).decode()
    except UnicodeEncodeError as error:
        raise BadCall("The agent holds characters that are no text (halves of surrogate pairs).") from error
