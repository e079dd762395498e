"""Runs on SQL: turns that wait for their client, and runs whose calls may have changed something."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any

from gateway.runs import LOST, CallState, KeptTurn, MadeCall, RunRecord, Runs, RunState, made_before

from .database import Database, Transaction
from .rows import bounded
from .text import storable

_KEEP = """
INSERT INTO kept_turns (id, user_id, payload, expires) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, expires = excluded.expires
"""
_TAKE = """
INSERT INTO kept_turns (id, user_id, payload, expires) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING RETURNING id
"""
_KEPT = "SELECT id, user_id, payload, expires FROM kept_turns WHERE id = ?1 AND user_id = ?2 AND expires > ?3"
_FORGET_TURNS = "DELETE FROM kept_turns WHERE expires <= ?1"
_COLUMNS = "id, user_id, agent, began, request_id, state, ended, error"
_BEGIN = f"""
INSERT INTO runs ({_COLUMNS}, until) VALUES (?1, ?2, ?3, ?4, ?5, 'running', NULL, '', ?6) ON CONFLICT (id) DO NOTHING
"""  # noqa: S608 - the names are ours
_CALLING = """
INSERT INTO run_calls (run_id, id, tool, made, state) VALUES (?1, ?2, ?3, ?4, 'made')
ON CONFLICT (run_id, id) DO NOTHING RETURNING id
"""
_CALLED = "UPDATE run_calls SET state = ?3, answered = ?4 WHERE run_id = ?1 AND id = ?2"
_RENEW = "UPDATE runs SET until = ?2 WHERE id = ?1 AND state = 'running'"
_END = "UPDATE runs SET state = ?2, error = ?3, ended = ?4 WHERE id = ?1"
_LOSE = """
UPDATE runs SET state = 'failed', error = ?2, ended = ?3 WHERE id = ?1 AND state = 'running' AND until < ?3 RETURNING id
"""
_SETTLE = "UPDATE run_calls SET state = 'unknown' WHERE run_id = ?1 AND state = 'made'"
_TAKE_UP = f"""
UPDATE runs SET state = 'running', error = '', ended = NULL, until = ?2 WHERE id = ?1 RETURNING {_COLUMNS}
"""  # noqa: S608
_LOST = "SELECT id FROM runs WHERE state = 'running' AND user_id = ?1 AND until < ?2"
_GET = f"SELECT {_COLUMNS} FROM runs WHERE user_id = ?1 AND id = ?2"  # noqa: S608
_LIST = f"SELECT {_COLUMNS} FROM runs WHERE user_id = ?1 ORDER BY began DESC, id DESC LIMIT ?2"  # noqa: S608
_ASKED = f"""
SELECT {_COLUMNS} FROM runs WHERE user_id = ?1 AND request_id = ?3 ORDER BY began DESC, id DESC LIMIT ?2
"""  # noqa: S608
_CALLS = "SELECT id, tool, made, state, answered FROM run_calls WHERE run_id = ?1 ORDER BY made, id"
_OLD = "SELECT id FROM runs WHERE began < ?1 LIMIT 500"
_FORGET_CALLS, _FORGET_RUN = "DELETE FROM run_calls WHERE run_id = ?1", "DELETE FROM runs WHERE id = ?1"
MONTH = 30 * 86_400.0
"""Seconds for which a run can be asked for."""


class SqlRuns(Runs):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, turn: KeptTurn) -> None:
        async def insert(transaction: Transaction) -> None:
            await transaction.rows(_KEEP, (turn.id, turn.user_id, turn.payload, turn.expires))
            await transaction.rows(_FORGET_TURNS, (time.time(),))

        await self._database.write(insert)

    async def take(self, turn: KeptTurn) -> bool:
        async def insert(transaction: Transaction) -> bool:
            return bool(await transaction.rows(_TAKE, (turn.id, turn.user_id, turn.payload, turn.expires)))

        return await self._database.write(insert)

    async def kept(self, user_id: str, ids: Collection[str], now: float) -> Sequence[KeptTurn]:
        found: list[KeptTurn] = []
        for name in ids:
            found += [_turn(row) for row in await self._database.rows(_KEPT, (name, user_id, now))]
        return found

    async def calling(self, run: RunRecord, call: MadeCall, until: float) -> None:
        async def insert(transaction: Transaction) -> None:
            about = (run.user_id, bounded(run.agent), run.began, bounded(run.request_id), until)
            await transaction.rows(_BEGIN, (run.id, *about))
            if not await transaction.rows(_CALLING, (run.id, call.id, bounded(call.tool), call.at)):
                raise made_before(call)

        await self._database.write(insert)

    async def called(self, run_id: str, call_id: str, state: CallState, at: float) -> None:
        async def update(transaction: Transaction) -> None:
            await transaction.rows(_CALLED, (run_id, call_id, state, at))

        await self._database.write(update)

    async def renew(self, run_ids: Collection[str], until: float) -> None:
        async def update(transaction: Transaction) -> None:
            await transaction.many(_RENEW, [(name, until) for name in sorted(run_ids)])

        await self._database.write(update)

    async def ended(self, run_id: str, state: RunState, error: str, at: float) -> None:
        """However it was thought to have ended before."""

        async def update(transaction: Transaction) -> None:
            await transaction.rows(_SETTLE, (run_id,))
            await transaction.rows(_END, (run_id, state, bounded(error, 2000), at))
            await forget(transaction)

        await self._database.write(update)

    async def take_up(self, run_id: str, until: float) -> RunRecord | None:
        async def take(transaction: Transaction) -> Sequence[Sequence[Any]]:
            await transaction.rows(_SETTLE, (run_id,))
            return await transaction.rows(_TAKE_UP, (run_id, until))

        rows = await self._database.write(take)
        return await self._record(rows[0]) if rows else None

    async def get(self, user_id: str, run_id: str, now: float) -> RunRecord | None:
        if not storable(user_id) or not storable(run_id):
            return None
        await self._give_up(user_id, now)
        rows = await self._database.rows(_GET, (user_id, run_id))
        return await self._record(rows[0]) if rows else None

    async def list(self, user_id: str, now: float, request_id: str = "", limit: int = 100) -> Sequence[RunRecord]:
        if not storable(user_id) or not storable(request_id):
            return ()
        await self._give_up(user_id, now)
        sql, values = (_ASKED, (user_id, limit, request_id)) if request_id else (_LIST, (user_id, limit))
        return [await self._record(row) for row in await self._database.rows(sql, values)]

    async def _give_up(self, user_id: str, now: float) -> None:
        """Those that nobody runs any more."""
        lost = [str(name) for (name,) in await self._database.rows(_LOST, (user_id, now))]
        if not lost:
            return

        async def update(transaction: Transaction) -> None:
            for name in lost:
                if await transaction.rows(_LOSE, (name, LOST, now)):
                    await transaction.rows(_SETTLE, (name,))

        await self._database.write(update)

    async def _record(self, row: Sequence[Any]) -> RunRecord:
        calls = [
            MadeCall(id=name, tool=tool, at=made, state=state, answered=answered)
            for name, tool, made, state, answered in await self._database.rows(_CALLS, (row[0],))
        ]
        name, user, agent, began, request, state, ended, error = row
        return RunRecord(name, user, agent, began, request, state, ended, error, tuple(calls))


def _turn(row: Sequence[Any]) -> KeptTurn:
    name, user, payload, expires = row
    return KeptTurn(name, user, bytes(payload), expires)


async def forget(transaction: Transaction) -> None:
    """What nobody may ask for any more."""
    now = time.time()
    await transaction.rows(_FORGET_TURNS, (now,))
    for (name,) in await transaction.rows(_OLD, (now - MONTH,)):
        await transaction.rows(_FORGET_CALLS, (name,))
        await transaction.rows(_FORGET_RUN, (name,))
