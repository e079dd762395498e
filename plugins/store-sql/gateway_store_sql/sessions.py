"""Sessions and tries on SQL."""

from __future__ import annotations

import time

from gateway.logins import Logins, Session, Tries

from .database import Database, Transaction, Value
from .text import storable

_SESSION = "id, user_id, digest, expires, created, previous, rotated"
_BEGIN = f"INSERT INTO sessions ({_SESSION}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"  # noqa: S608 - the names are ours
_GET = f"SELECT {_SESSION} FROM sessions WHERE id = ?1"  # noqa: S608
_ROTATE = """
UPDATE sessions SET digest = ?3, previous = ?2, rotated = ?4 WHERE id = ?1 AND digest = ?2 RETURNING id
"""
_END = "DELETE FROM sessions WHERE id = ?1 RETURNING id"
_END_ALL = "DELETE FROM sessions WHERE user_id = ?1 RETURNING id"
_TRIES = "SELECT count, ends FROM tries WHERE counter = ?1 AND ends > ?2 AND ends <= ?3"
_TRY = """
INSERT INTO tries (counter, count, ends) VALUES (?1, 1, ?2)
ON CONFLICT (counter) DO UPDATE SET
count = CASE WHEN tries.ends <= ?3 OR tries.ends > ?4 THEN 1 ELSE tries.count + 1 END,
ends = CASE WHEN tries.ends <= ?3 OR tries.ends > ?4 THEN excluded.ends ELSE tries.ends END
RETURNING count, ends
"""
_ENDED = ("DELETE FROM tries WHERE ends < ?1", "DELETE FROM sessions WHERE expires < ?1")
GRACE = 3600.0
"""Seconds for which what has ended stays: clocks of machines differ."""
PERIOD = 600.0
"""Seconds between two times that what has ended is deleted."""


class SqlSessions(Logins):
    def __init__(self, database: Database) -> None:
        self._database = database
        self._swept = time.monotonic()

    async def begin(self, session: Session) -> None:
        values = (session.id, session.user_id, session.digest, session.expires, session.created)

        async def insert(transaction: Transaction) -> None:
            await transaction.rows(_BEGIN, (*values, session.previous, session.rotated))

        await self._database.write(insert)

    async def session(self, session_id: str) -> Session | None:
        rows = await self._database.rows(_GET, (session_id,)) if storable(session_id) else ()
        return Session(*rows[0]) if rows else None

    async def rotate(self, session_id: str, old: str, new: str, at: float) -> bool:
        return await self._only(_ROTATE, session_id, old, new, at)

    async def end(self, session_id: str) -> bool:
        return await self._only(_END, session_id)

    async def end_all(self, user_id: str) -> int:
        async def remove(transaction: Transaction) -> int:
            return await self.drop_sessions(transaction, user_id)

        return await self._database.write(remove)

    async def attempt(self, counter: str, most: int, window: float, at: float) -> Tries:
        """Who is over the limit already costs a look-up and no write. A window that ends later than any could was begun
        while the clock was wrong, and counts no more.
        """
        self._sweep(at)
        latest = at + window + GRACE
        rows = await self._database.rows(_TRIES, (counter, at, latest))
        if rows and rows[0][0] > most:
            return Tries(int(rows[0][0]), rows[0][1])

        async def count(transaction: Transaction) -> Tries:
            found = await transaction.rows(_TRY, (counter, at + window, at, latest))
            return Tries(int(found[0][0]), found[0][1])

        return await self._database.write(count)

    async def drop_sessions(self, transaction: Transaction, user_id: str) -> int:
        return len(await transaction.rows(_END_ALL, (user_id,)))

    async def _only(self, sql: str, *values: Value) -> bool:
        """One statement; whether it found anything."""
        if not all(storable(value) for value in values if isinstance(value, str)):
            return False

        async def change(transaction: Transaction) -> bool:
            return bool(await transaction.rows(sql, values))

        return await self._database.write(change)

    def _sweep(self, now: float) -> None:
        """Deletes what has ended, behind the request and now and then."""
        passed = time.monotonic() - self._swept
        if passed < PERIOD:
            return
        self._swept += passed

        async def remove(transaction: Transaction) -> None:
            for statement in _ENDED:
                await transaction.rows(statement, (now - GRACE,))

        self._database.enqueue(remove)
