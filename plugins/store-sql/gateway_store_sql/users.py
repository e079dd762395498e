"""Users on SQL."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway import Conflict, NotFound, Page, User, Users
from gateway.identity import PAGE

from .changes import AGENTS, changed, turn
from .database import Database, Transaction, Value
from .pages import most, page
from .resources import forget_of_user
from .text import check, storable

COLUMNS = "id, name, email, role, team_names, created, disabled"
_INSERT = f"""
INSERT INTO users ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL) ON CONFLICT (name) DO NOTHING RETURNING id
"""  # noqa: S608 - the names are ours
_SELECT = f"SELECT {COLUMNS} FROM users WHERE deleted IS NULL"  # noqa: S608
_GET = f"{_SELECT} AND id = ?1"
_BY_NAME = f"{_SELECT} AND name = ?1"
_BY_EMAIL = f"{_SELECT} AND email = ?1 ORDER BY created, id LIMIT 1"
_ALL = f"{_SELECT} ORDER BY name"
_FIRST = f"{_SELECT} ORDER BY name LIMIT ?1"
_AFTER = f"{_SELECT} AND name > ?2 ORDER BY name LIMIT ?1"
_LIKE = r"(LOWER(name) LIKE LOWER(?3) ESCAPE '\' OR email LIKE ?4 ESCAPE '\')"
_FOUND = f"{_SELECT} AND name > ?2 AND {_LIKE} ORDER BY name LIMIT ?1"
_COUNT = "SELECT COUNT(*) FROM users WHERE deleted IS NULL"
_TAKEN = "SELECT 1 FROM users WHERE name = ?1 AND id <> ?2"
_UPDATE = "UPDATE users SET name = ?2, email = ?3, role = ?4, team_names = ?5, disabled = ?6 WHERE id = ?1"
_DELETE = """
UPDATE users SET name = id, email = '', role = '', team_names = '[]', disabled = ?2, deleted = ?2
WHERE id = ?1 AND deleted IS NULL RETURNING id
"""
_REVOKE = "UPDATE api_keys SET revoked = ?2 WHERE user_id = ?1 AND (revoked IS NULL OR revoked > ?2)"
_FORGET = (
    "DELETE FROM identities WHERE user_id = ?1",
    "DELETE FROM user_keys WHERE user_id = ?1",
    "DELETE FROM sessions WHERE user_id = ?1",
    "DELETE FROM login_tokens WHERE user_id = ?1",
    "DELETE FROM backup_codes WHERE user_id = ?1",
    "DELETE FROM logins WHERE user_id = ?1",
    "DELETE FROM access_grants WHERE principal = 'user' AND principal_id = ?1",
    "DELETE FROM response_frames WHERE response_id IN (SELECT id FROM responses WHERE user_id = ?1)",
    "DELETE FROM response_steps WHERE response_id IN (SELECT id FROM responses WHERE user_id = ?1)",
    "DELETE FROM responses WHERE user_id = ?1",
    "DELETE FROM stream_frames WHERE stream_id IN (SELECT id FROM streams WHERE user_id = ?1)",
    "DELETE FROM streams WHERE user_id = ?1",
    "DELETE FROM conversation_items WHERE conversation_id IN (SELECT id FROM conversations WHERE user_id = ?1)",
    "DELETE FROM conversations WHERE user_id = ?1",
)
_groups = msgspec.json.Decoder(tuple[str, ...])


class SqlUsers(Users):
    """E-mail addresses are kept and looked for in lower case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, email: str = "", role: str = "USER", groups: Sequence[str] = ()) -> User:
        """Raises Conflict where the name is taken, BadCall for what is no text."""
        made = User(f"usr_{secrets.token_hex(12)}", name, email.lower(), role, tuple(groups), time.time())
        values = row_of(made)

        async def insert(transaction: Transaction) -> User:
            await changed(transaction)
            if not await transaction.rows(_INSERT, (*values[:5], made.created)):
                raise taken(name)
            return made

        return await self._database.write(insert)

    async def get(self, user_id: str) -> User | None:
        return await self._first(_GET, user_id)

    async def find(self, name_or_email: str) -> User | None:
        """A name first; of several users with one e-mail address, the oldest."""
        return await self._first(_BY_NAME, name_or_email) or (
            await self._first(_BY_EMAIL, name_or_email.lower()) if "@" in name_or_email else None
        )

    async def list(self) -> Sequence[User]:
        return await self._database.report(_ALL, (), lambda rows: [user(row) for row in rows])

    async def page(self, limit: int = PAGE, after: str = "", search: str = "") -> Page[User]:
        """search: in a name, letters beyond ASCII are looked for in the case that they have."""
        if not storable(after) or not storable(search):
            return Page(())
        sql, values = _page(limit, after, search)
        return await self._database.report(
            sql, values, lambda rows: page([user(row) for row in rows], limit, lambda one: one.name)
        )

    async def count(self) -> int:
        return int((await self._database.rows(_COUNT))[0][0])

    async def update(
        self,
        user_id: str,
        *,
        name: str | None = None,
        email: str | None = None,
        role: str | None = None,
        groups: Sequence[str] | None = None,
        disabled: bool | None = None,
    ) -> User:
        """Raises NotFound, Conflict where the name is another's, BadCall for what is no text."""
        check("The user's id", user_id)
        now = time.time()

        async def update(transaction: Transaction) -> User:
            await changed(transaction)
            rows = await transaction.rows(_GET, (user_id,))
            if not rows:
                raise NotFound(f"There is no user with the id {user_id!r}.", param="user_id")
            old = user(rows[0])
            new = User(
                id=old.id,
                name=old.name if name is None else name,
                email=old.email if email is None else email.lower(),
                role=old.role if role is None else role,
                groups=old.groups if groups is None else tuple(groups),
                created=old.created,
                disabled=old.disabled if disabled is None else (old.disabled or now) if disabled else None,
            )
            values = (*row_of(new), new.disabled)
            if await transaction.rows(_TAKEN, (new.name, user_id)):
                raise taken(new.name)
            await transaction.rows(_UPDATE, values)
            return new

        return await self._database.write(update)

    async def delete(self, user_id: str) -> bool:
        now = time.time()

        async def remove(transaction: Transaction) -> bool:
            await turn(transaction)
            if not await transaction.rows(_DELETE, (user_id, now)):
                return False
            await changed(transaction)
            await changed(transaction, AGENTS)
            await transaction.rows(_REVOKE, (user_id, now))
            for statement in _FORGET:
                await transaction.rows(statement, (user_id,))
            await forget_of_user(transaction, user_id)
            return True

        return storable(user_id) and await self._database.write(remove)

    async def _first(self, sql: str, value: str) -> User | None:
        rows = await self._database.rows(sql, (value,)) if storable(value) else ()
        return user(rows[0]) if rows else None


def _page(limit: int, after: str, search: str) -> tuple[str, tuple[Value, ...]]:
    if search:
        return _FOUND, (most(limit), after, _pattern(search), _pattern(search.lower()))
    return (_AFTER, (most(limit), after)) if after else (_FIRST, (most(limit),))


def _pattern(search: str) -> str:
    """For LIKE: the text anywhere, as it is."""
    return "%" + re.sub(r"([%_\\])", r"\\\1", search) + "%"


async def add(transaction: Transaction, user: User) -> None:
    """Within a change that has taken its turn. Raises Conflict where the name is taken, BadCall for what is no text."""
    if not await transaction.rows(_INSERT, (*row_of(user), user.created)):
        raise taken(user.name)


def taken(name: str) -> Conflict:
    return Conflict(f"There is already a user named {name!r}.", param="name")


def user(row: Sequence[Any]) -> User:
    """From a row of COLUMNS."""
    return User(row[0], row[1], row[2], row[3], _groups.decode(row[4]), row[5], row[6])


def row_of(user: User) -> tuple[Value, ...]:
    """The first five of COLUMNS. Raises BadCall for what is no text."""
    check("The user's name, address, role or group", user.name, user.email, user.role, *user.groups)
    return user.id, user.name, user.email, user.role, msgspec.json.encode(user.groups).decode()
