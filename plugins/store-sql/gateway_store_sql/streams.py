"""Streams on SQL: what may be taken up again of replies on their way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway import KeptStream, Owner, RunStatus, Streams

from .database import Database, Transaction
from .frames import OWNED, RUNNING, SqlFrames
from .text import check, storable

_COLUMNS = "id, user_id, key_id, model, agent, endpoint, media, status, created, expires, beat, heard"
_INSERT = f"""
INSERT INTO streams ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
ON CONFLICT (id) DO NOTHING RETURNING id
"""  # noqa: S608 - the names are ours
_GET = f"SELECT {_COLUMNS} FROM streams WHERE {OWNED} AND id = ?3 AND expires > ?4"  # noqa: S608
_HEAR = f"UPDATE streams SET heard = ?4 WHERE {OWNED} AND id = ?3 AND heard < ?4"  # noqa: S608
_END = f"UPDATE streams SET status = ?2, expires = ?3 WHERE id = ?1 AND {RUNNING}"  # noqa: S608
_PURGE_FRAMES = "DELETE FROM stream_frames WHERE stream_id IN (SELECT id FROM streams WHERE expires <= ?1)"
_PURGE = "DELETE FROM streams WHERE expires <= ?1 RETURNING id"


class SqlStreams(SqlFrames, Streams):
    def __init__(self, database: Database) -> None:
        super().__init__(database, "streams", "stream_frames", "stream_id")

    async def put(self, stream: KeptStream) -> bool:
        """Raises BadCall for what is no text."""
        one = stream
        check("What the stream is of", one.id, one.model, one.agent, one.endpoint, one.media)
        named = (one.id, one.owner.user_id, one.owner.key_id, one.model, one.agent, one.endpoint, one.media, one.status)
        values = (*named, one.created, one.expires, one.beat, one.heard)

        async def insert(transaction: Transaction) -> bool:
            return bool(await transaction.rows(_INSERT, values))

        return await self._database.write(insert)

    async def get(self, owner: Owner, name: str, now: float) -> KeptStream | None:
        if not storable(name):
            return None
        rows = await self._database.rows(_GET, (owner.user_id, owner.key_id, name, now))
        return _stream_of(rows[0]) if rows else None

    async def hear(self, owner: Owner, name: str, now: float) -> None:
        async def note(transaction: Transaction) -> None:
            await transaction.rows(_HEAR, (owner.user_id, owner.key_id, name, now))

        await self._database.write(note)

    async def end(self, name: str, status: RunStatus, expires: float) -> RunStatus | None:
        async def end(transaction: Transaction) -> RunStatus | None:
            await transaction.rows(_END, (name, status, expires))
            return await self.status_in(transaction, name)

        return await self._database.write(end)

    async def purge(self, now: float) -> int:
        async def purge(transaction: Transaction) -> int:
            await transaction.rows(_PURGE_FRAMES, (now,))
            return len(await transaction.rows(_PURGE, (now,)))

        return await self._database.write(purge)


def _stream_of(row: Sequence[Any]) -> KeptStream:
    return KeptStream(
        id=row[0],
        owner=Owner(row[1], row[2]),
        model=row[3],
        agent=row[4],
        endpoint=row[5],
        media=row[6],
        status=row[7],
        created=row[8],
        expires=row[9],
        beat=row[10],
        heard=row[11],
    )
