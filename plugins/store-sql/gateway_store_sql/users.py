"""Users on SQL."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from gateway import Conflict, User, Users

from .reader import Reader
from .writer import Writer

COLUMNS = "id, name, email, role, team_names, created"
_INSERT = f"""
INSERT INTO users ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (name) DO NOTHING RETURNING id
"""  # noqa: S608 - the names are ours
_GET = f"SELECT {COLUMNS} FROM users WHERE id = ?1"  # noqa: S608
_BY_NAME = f"SELECT {COLUMNS} FROM users WHERE name = ?1"  # noqa: S608
_BY_EMAIL = f"SELECT {COLUMNS} FROM users WHERE email = ?1 ORDER BY created, id LIMIT 1"  # noqa: S608
_ALL = f"SELECT {COLUMNS} FROM users ORDER BY name"  # noqa: S608
_CHANGED = "UPDATE revisions SET revision = revision + 1 WHERE name = 'keys'"
_groups = msgspec.json.Decoder(tuple[str, ...])


class SqlUsers(Users):
    """E-mail addresses are kept and looked for in lower case."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def create(self, name: str, email: str = "", role: str = "USER", groups: Sequence[str] = ()) -> User:
        user = User(f"usr_{secrets.token_hex(12)}", name, email.lower(), role, tuple(groups), time.time())

        def insert(connection: apsw.Connection) -> User:
            values = (user.id, name, user.email, role, msgspec.json.encode(user.groups).decode(), user.created)
            if not connection.execute(_INSERT, values).fetchall():
                raise Conflict(f"There is already a user named {name!r}.", param="name")
            changed(connection)
            return user

        return await self._writer.submit(insert)

    async def get(self, user_id: str) -> User | None:
        return self._first(_GET, user_id)

    async def find(self, name_or_email: str) -> User | None:
        """A name first; of several users with one e-mail address, the oldest."""
        return self._first(_BY_NAME, name_or_email) or (
            self._first(_BY_EMAIL, name_or_email.lower()) if "@" in name_or_email else None
        )

    async def list(self) -> Sequence[User]:
        rows = await self._reader.report(lambda connection: connection.execute(_ALL).fetchall())
        return [user(row) for row in rows]

    def _first(self, sql: str, value: str) -> User | None:
        rows = self._reader.rows(sql, (value,))
        return user(rows[0]) if rows else None


def user(row: Sequence[Any]) -> User:
    """From a row of COLUMNS."""
    return User(row[0], row[1], row[2], row[3], _groups.decode(row[4]), row[5])


def changed(connection: apsw.Connection) -> None:
    """Within the transaction of any change to keys or users."""
    connection.execute(_CHANGED)
