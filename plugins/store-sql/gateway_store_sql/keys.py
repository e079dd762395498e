"""Keys on SQL."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

import apsw

from gateway import Conflict, Key, Keys, NotFound, User

from .reader import Reader
from .users import changed, user
from .writer import Writer

_COLUMNS = "id, digest, prefix, label, user_id, created, expires, last_used, revoked"
_OF_KEY = ", ".join(f"k.{name}" for name in _COLUMNS.split(", "))
_FIND = f"""
SELECT {_OF_KEY}, u.id, u.name, u.email, u.role, u.team_names, u.created
FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.digest = ?1
"""  # noqa: S608 - the names are ours
_INSERT = f"""
INSERT INTO api_keys ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, NULL)
ON CONFLICT (digest) DO NOTHING RETURNING id
"""  # noqa: S608
_ALL = f"SELECT {_COLUMNS} FROM api_keys ORDER BY created DESC, id DESC"  # noqa: S608
_OF_USER = f"SELECT {_COLUMNS} FROM api_keys WHERE user_id = ?1 ORDER BY created DESC, id DESC"  # noqa: S608
_REVOKE = """
UPDATE api_keys SET revoked = CASE WHEN revoked IS NULL OR revoked > ?2 THEN ?2 ELSE revoked END WHERE id = ?1
RETURNING id
"""
_TOUCH = "UPDATE api_keys SET last_used = ?2 WHERE id = ?1 AND (last_used IS NULL OR last_used < ?2)"
_REVISION = "SELECT revision FROM revisions WHERE name = 'keys'"
TOUCH_PERIOD = 1.0
"""Seconds: uses of one key closer together than this are written once."""


class SqlKeys(Keys):
    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer
        self._touched: dict[str, float] = {}

    async def find(self, digest: str) -> tuple[Key, User] | None:
        rows = self._reader.rows(_FIND, (digest,))
        return (Key(*rows[0][:9]), user(rows[0][9:])) if rows else None

    async def create(self, digest: str, prefix: str, label: str, user_id: str, expires: float | None = None) -> Key:
        """Raises NotFound where there is no such user, Conflict where the digest exists."""
        key = Key(f"key_{secrets.token_hex(12)}", digest, prefix, label, user_id, time.time(), expires)

        def insert(connection: apsw.Connection) -> Key:
            if not connection.execute("SELECT 1 FROM users WHERE id = ?1", (user_id,)).fetchall():
                raise NotFound(f"There is no user with the id {user_id!r}.", param="user_id")
            values = (key.id, digest, prefix, label, user_id, key.created, expires)
            if not connection.execute(_INSERT, values).fetchall():
                raise Conflict("This key is already in the store.", param="digest")
            changed(connection)
            return key

        return await self._writer.submit(insert)

    async def list(self, user_id: str | None = None) -> Sequence[Key]:
        def read(connection: apsw.Connection) -> list[tuple[Any, ...]]:
            if user_id is None:
                return connection.execute(_ALL).fetchall()
            return connection.execute(_OF_USER, (user_id,)).fetchall()

        return [Key(*row) for row in await self._reader.report(read)]

    async def revoke(self, key_id: str, at: float) -> bool:
        """A key that is revoked earlier stays so."""

        def update(connection: apsw.Connection) -> bool:
            found = bool(connection.execute(_REVOKE, (key_id, at)).fetchall())
            if found:
                changed(connection)
            return found

        return await self._writer.submit(update)

    async def revision(self) -> int:
        return int(self._reader.rows(_REVISION)[0][0])

    def touch(self, key_id: str, at: float) -> None:
        if 0.0 <= at - self._touched.get(key_id, 0.0) < TOUCH_PERIOD:
            return
        self._touched[key_id] = at
        self._writer.enqueue(lambda connection: connection.execute(_TOUCH, (key_id, at)).fetchall())
