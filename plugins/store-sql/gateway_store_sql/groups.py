"""Groups on SQL. Their members are users that have the name; a change of it is carried to them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence

import msgspec

from gateway import Conflict, Group, Groups, NotFound

from .changes import AGENTS, changed, turn
from .database import Database, Transaction
from .text import check, storable

_COLUMNS = "id, name, description, created"
_INSERT = f"""
INSERT INTO user_groups ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) DO NOTHING RETURNING id
"""  # noqa: S608 - the names are ours
_GET = f"SELECT {_COLUMNS} FROM user_groups WHERE id = ?1"  # noqa: S608
_BY_NAME = f"SELECT {_COLUMNS} FROM user_groups WHERE name = ?1"  # noqa: S608
_ALL = f"SELECT {_COLUMNS} FROM user_groups ORDER BY name"  # noqa: S608
_UPDATE = "UPDATE user_groups SET name = ?2, description = ?3 WHERE id = ?1"
_DELETE = "DELETE FROM user_groups WHERE id = ?1 RETURNING name"
_DELETE_GRANTS = "DELETE FROM access_grants WHERE principal = 'group' AND principal_id = ?1"
# The name as JSON writes it, quotes and all, which is nowhere else in a list of names.
_MEMBERS = "SELECT id, team_names FROM users WHERE REPLACE(team_names, ?1, '') <> team_names ORDER BY id"
_CARRY = "UPDATE users SET team_names = ?2 WHERE id = ?1"
_names = msgspec.json.Decoder(tuple[str, ...])


class SqlGroups(Groups):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, description: str = "") -> Group:
        """Raises Conflict where the name is taken, BadCall for what is no text."""
        check("The group's name or description", name, description)
        made = Group(f"grp_{secrets.token_hex(12)}", name, description, time.time())

        async def insert(transaction: Transaction) -> Group:
            await changed(transaction)
            if not await transaction.rows(_INSERT, msgspec.structs.astuple(made)):
                raise _taken(name)
            return made

        return await self._database.write(insert)

    async def get(self, group_id: str) -> Group | None:
        return await self._first(_GET, group_id)

    async def find(self, name: str) -> Group | None:
        return await self._first(_BY_NAME, name)

    async def list(self) -> Sequence[Group]:
        return await self._database.report(_ALL, (), lambda rows: [Group(*row) for row in rows])

    async def update(self, group_id: str, *, name: str | None = None, description: str | None = None) -> Group:
        """Raises NotFound, Conflict where the name is another's, BadCall for what is no text."""
        check("The group's id, name or description", group_id, name or "", description or "")

        async def update(transaction: Transaction) -> Group:
            await changed(transaction)
            rows = await transaction.rows(_GET, (group_id,))
            if not rows:
                raise NotFound(f"There is no group with the id {group_id!r}.", param="group_id")
            old = Group(*rows[0])
            new = Group(
                old.id,
                old.name if name is None else name,
                old.description if description is None else description,
                old.created,
            )
            if new.name != old.name:
                if await transaction.rows(_BY_NAME, (new.name,)):
                    raise _taken(new.name)
                await changed(transaction, AGENTS)
                await _carry(transaction, old.name, lambda names: [new.name if n == old.name else n for n in names])
            await transaction.rows(_UPDATE, (new.id, new.name, new.description))
            return new

        return await self._database.write(update)

    async def delete(self, group_id: str) -> bool:
        async def remove(transaction: Transaction) -> bool:
            await turn(transaction)
            rows = await transaction.rows(_DELETE, (group_id,))
            if not rows:
                return False
            await changed(transaction)
            await changed(transaction, AGENTS)
            await transaction.rows(_DELETE_GRANTS, (group_id,))
            name = rows[0][0]
            await _carry(transaction, name, lambda names: [one for one in names if one != name])
            return True

        return storable(group_id) and await self._database.write(remove)

    async def _first(self, sql: str, value: str) -> Group | None:
        rows = await self._database.rows(sql, (value,)) if storable(value) else ()
        return Group(*rows[0]) if rows else None


async def _carry(transaction: Transaction, name: str, change: Callable[[Sequence[str]], Sequence[str]]) -> None:
    rows = await transaction.rows(_MEMBERS, (msgspec.json.encode(name).decode(),))
    await transaction.many(_CARRY, [(row[0], _written(change(_names.decode(row[1])))) for row in rows])


def _written(names: Sequence[str]) -> str:
    """Each once: a member of both groups is one of the one."""
    return msgspec.json.encode(list(dict.fromkeys(names))).decode()


def _taken(name: str) -> Conflict:
    return Conflict(f"There is already a group named {name!r}.", param="name")
