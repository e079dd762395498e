"""UserKeys on SQL: what users keep for endpoints, as it was sealed."""

from __future__ import annotations

import time

import apsw

from gateway import SealedKey, UserKeys

from .reader import Reader
from .writer import Writer

_GET = "SELECT endpoint, sealed, expires FROM user_keys WHERE user_id = ?1 AND endpoint = ?2"
_PUT = """
INSERT INTO user_keys (user_id, endpoint, sealed, expires) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (user_id, endpoint) DO UPDATE SET sealed = excluded.sealed, expires = excluded.expires
"""
_DELETE = "DELETE FROM user_keys WHERE user_id = ?1 AND endpoint = ?2"
_DELETE_ALL = "DELETE FROM user_keys WHERE user_id = ?1"
_PURGE = "DELETE FROM user_keys WHERE expires < ?1"
GRACE = 86_400.0
"""Seconds for which an expired key stays, so that its owner is told that it expired and not that there is none."""


class SqlUserKeys(UserKeys):
    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def get(self, user_id: str, endpoint: str) -> SealedKey | None:
        rows = self._reader.rows(_GET, (user_id, endpoint))
        return SealedKey(*rows[0]) if rows else None

    async def put(self, user_id: str, key: SealedKey) -> None:
        def insert(connection: apsw.Connection) -> None:
            connection.execute(_PUT, (user_id, key.endpoint, key.sealed, key.expires))
            purge(connection)

        await self._writer.submit(insert)

    async def delete(self, user_id: str, endpoint: str | None = None) -> None:
        def remove(connection: apsw.Connection) -> None:
            if endpoint is None:
                connection.execute(_DELETE_ALL, (user_id,))
            else:
                connection.execute(_DELETE, (user_id, endpoint))

        await self._writer.submit(remove)


def purge(connection: apsw.Connection) -> None:
    """Deletes what has been expired for long."""
    connection.execute(_PURGE, (time.time() - GRACE,))
