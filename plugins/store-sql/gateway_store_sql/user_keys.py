"""UserKeys on SQL: what users keep for endpoints, as it was sealed."""

from __future__ import annotations

import time

from gateway import SealedKey, UserKeys

from .database import Database, Transaction

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
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: str, endpoint: str) -> SealedKey | None:
        rows = await self._database.rows(_GET, (user_id, endpoint))
        return SealedKey(*rows[0]) if rows else None

    async def put(self, user_id: str, key: SealedKey) -> None:
        async def insert(transaction: Transaction) -> None:
            await transaction.rows(_PUT, (user_id, key.endpoint, key.sealed, key.expires))
            await purge(transaction)

        await self._database.write(insert)

    async def delete(self, user_id: str, endpoint: str | None = None) -> None:
        async def remove(transaction: Transaction) -> None:
            if endpoint is None:
                await transaction.rows(_DELETE_ALL, (user_id,))
            else:
                await transaction.rows(_DELETE, (user_id, endpoint))

        await self._database.write(remove)


async def purge(transaction: Transaction) -> None:
    """Deletes what has been expired for long."""
    await transaction.rows(_PURGE, (time.time() - GRACE,))
