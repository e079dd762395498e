"""Frames on SQL: what followers of a run are told, beside the table of runs that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from gateway import UNDER_WAY, Frames, Owner, RunStatus

from .database import Database, Rows, Transaction
from .text import storable

OWNED = "user_id = ?1 AND key_id = ?2"
RUNNING = "status IN ({})".format(", ".join(f"'{status}'" for status in UNDER_WAY))


class SqlFrames(Frames):
    """table: of runs, with `id`, `user_id`, `key_id`, `status`, `beat` and `expires`. frames, of: the table of their
    frames, and its column that says whose.
    """

    def __init__(self, database: Database, table: str, frames: str, of: str) -> None:
        self._database = database
        self._beat = (
            f"UPDATE {table} SET beat = ?2, status = 'in_progress' WHERE id = ?1 AND {RUNNING} RETURNING status"  # noqa: S608 - the names are ours
        )
        self._status = f"SELECT status FROM {table} WHERE id = ?1"  # noqa: S608
        self._frame = (
            f"INSERT INTO {frames} ({of}, number, frame) VALUES (?1, ?2, ?3) ON CONFLICT ({of}, number) DO NOTHING"  # noqa: S608
        )
        self._frames = f"""
SELECT number, frame FROM {frames} WHERE {of} = ?3 AND number > ?4 AND EXISTS (
    SELECT 1 FROM {table} WHERE {OWNED} AND id = ?3 AND expires > ?5
) ORDER BY number LIMIT 500
"""  # noqa: S608

    async def write(self, name: str, frames: Sequence[tuple[int, bytes]], now: float) -> RunStatus | None:
        async def add(transaction: Transaction) -> RunStatus | None:
            if await transaction.rows(self._beat, (name, now)):
                await transaction.many(self._frame, [(name, number, frame) for number, frame in frames])
                return "in_progress"
            return await self.status_in(transaction, name)

        return await self._database.write(add)

    async def status(self, name: str) -> RunStatus | None:
        return _status(await self._database.rows(self._status, (name,)))

    async def status_in(self, transaction: Transaction, name: str) -> RunStatus | None:
        return _status(await transaction.rows(self._status, (name,)))

    async def frames(self, owner: Owner, name: str, after: int, now: float) -> Sequence[tuple[int, bytes]]:
        if not storable(name):
            return ()
        rows = await self._database.rows(self._frames, (owner.user_id, owner.key_id, name, after, now))
        return [(int(row[0]), bytes(row[1])) for row in rows]


def _status(rows: Rows) -> RunStatus | None:
    return cast(RunStatus, rows[0][0]) if rows else None
