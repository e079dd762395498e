"""Users on SQL."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway import Conflict, User, Users

from .database import Database, Transaction
from .text import check, storable

COLUMNS = "id, name, email, role, team_names, created"
_INSERT = f"""
INSERT INTO users ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (name) DO NOTHING RETURNING id
"""  # noqa: S608 - the names are ours
_GET = f"SELECT {COLUMNS} FROM users WHERE id = ?1"  # noqa: S608
_BY_NAME = f"SELECT {COLUMNS} FROM users WHERE name = ?1"  # noqa: S608
_BY_EMAIL = f"SELECT {COLUMNS} FROM users WHERE email = ?1 ORDER BY created, id LIMIT 1"  # noqa: S608
_ALL = f"SELECT {COLUMNS} FROM users ORDER BY name"  # noqa: S608
_COUNT = "SELECT COUNT(*) FROM users"
_CHANGED = "UPDATE revisions SET revision = revision + 1 WHERE name = 'keys'"
_groups = msgspec.json.Decoder(tuple[str, ...])


class SqlUsers(Users):
    """E-mail addresses are kept and looked for in lower case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, email: str = "", role: str = "USER", groups: Sequence[str] = ()) -> User:
        """Raises Conflict where the name is taken, BadCall for what is no text."""
        check("The user's name, address, role or group", name, email, role, *groups)
        user = User(f"usr_{secrets.token_hex(12)}", name, email.lower(), role, tuple(groups), time.time())
        values = (user.id, name, user.email, role, msgspec.json.encode(user.groups).decode(), user.created)

        async def insert(transaction: Transaction) -> User:
            if not await transaction.rows(_INSERT, values):
                raise Conflict(f"There is already a user named {name!r}.", param="name")
            await changed(transaction)
            return user

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

    async def count(self) -> int:
        return int((await self._database.rows(_COUNT))[0][0])

    async def _first(self, sql: str, value: str) -> User | None:
        rows = await self._database.rows(sql, (value,)) if storable(value) else ()
        return user(rows[0]) if rows else None


def user(row: Sequence[Any]) -> User:
    """From a row of COLUMNS."""
    return User(row[0], row[1], row[2], row[3], _groups.decode(row[4]), row[5])


async def changed(transaction: Transaction) -> None:
    """Within the transaction of any change to keys or users."""
    await transaction.rows(_CHANGED)
