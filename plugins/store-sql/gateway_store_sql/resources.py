"""Resources on SQL: what users make beside agents, as it was sealed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway import Conflict, Resource, Resources

from .changes import RESOURCES, REVISION, changed, turn
from .database import Database, Transaction
from .text import check, storable

_COLUMNS = "kind, id, user_id, sealed, agent, created, updated"
_LIST = f"SELECT {_COLUMNS} FROM resources WHERE kind = ?1 ORDER BY id"  # noqa: S608 - the names are ours
_GET = f"SELECT {_COLUMNS} FROM resources WHERE kind = ?1 AND id = ?2"  # noqa: S608
_CREATE = f"""
INSERT INTO resources ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (kind, id) DO NOTHING RETURNING id
"""  # noqa: S608
_UPDATE = "UPDATE resources SET sealed = ?3, updated = ?4 WHERE kind = ?1 AND id = ?2 AND created = ?5 RETURNING id"
_DELETE = "DELETE FROM resources WHERE kind = ?1 AND id = ?2 RETURNING id"
_OF_AGENT = "DELETE FROM resources WHERE agent = ?1 RETURNING kind"
_OF_USER = "DELETE FROM resources WHERE user_id = ?1 RETURNING kind"


class SqlResources(Resources):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, kind: str) -> Sequence[Resource]:
        return await self._database.report(_LIST, (kind,), lambda rows: [_resource(row) for row in rows])

    async def get(self, kind: str, resource_id: str) -> Resource | None:
        rows = await self._database.rows(_GET, (kind, resource_id)) if storable(resource_id) else ()
        return _resource(rows[0]) if rows else None

    async def create(self, resource: Resource) -> None:
        """Raises BadCall for what is no text, too."""
        one = resource
        check("The id", one.id, one.user_id, one.agent)
        values = (one.kind, one.id, one.user_id, one.sealed, one.agent, one.created, one.updated)

        async def insert(transaction: Transaction) -> None:
            await turn(transaction, _counted(one.kind))
            if not await transaction.rows(_CREATE, values):
                raise Conflict(f"There is already one of the id {one.id!r}.", param="id")
            await changed(transaction, _counted(one.kind))

        await self._database.write(insert)

    async def update(self, resource: Resource) -> bool:
        values = (resource.kind, resource.id, resource.sealed, resource.updated, resource.created)
        return await self._written(resource.kind, _UPDATE, values)

    async def delete(self, kind: str, resource_id: str) -> bool:
        return storable(resource_id) and await self._written(kind, _DELETE, (kind, resource_id))

    async def revision(self, kind: str) -> int:
        rows = await self._database.rows(REVISION, (_counted(kind),))
        return int(rows[0][0]) if rows else 0

    async def _written(self, kind: str, statement: str, values: tuple[str | bytes | float, ...]) -> bool:
        async def write(transaction: Transaction) -> bool:
            await turn(transaction, _counted(kind))
            if not await transaction.rows(statement, values):
                return False
            await changed(transaction, _counted(kind))
            return True

        return await self._database.write(write)


async def forget_of_agent(transaction: Transaction, agent_id: str) -> None:
    await _forget(transaction, _OF_AGENT, agent_id)


async def forget_of_user(transaction: Transaction, user_id: str) -> None:
    await _forget(transaction, _OF_USER, user_id)


async def _forget(transaction: Transaction, statement: str, whose: str) -> None:
    for kind in sorted({kind for (kind,) in await transaction.rows(statement, (whose,))}):
        await changed(transaction, _counted(kind))


def _counted(kind: str) -> str:
    """The revision that grows with these."""
    return f"{RESOURCES}:{kind}"


def _resource(row: Sequence[Any]) -> Resource:
    kind, resource_id, user, sealed, *rest = row
    return Resource(kind, resource_id, user, bytes(sealed), *rest)
