"""Responses on SQL: what is kept of replies, and how they hang together.

Texts of clients and models are bytes to the database, which looks into none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from gateway import Conflict, KeptResponse, Owner, Responses, RunStatus, RunStep, TakenUp

from .database import Database, Rows, Transaction, Value
from .frames import OWNED, RUNNING, SqlFrames
from .text import check, storable

COLUMNS = (
    "id, user_id, key_id, dialect, model, agent, endpoint, served, domain, upstream, status, background, created,"
    " expires, beat, previous_id, conversation_id, place, input, reply, term"
)
_PLACES = ", ".join(f"?{n}" for n in range(1, COLUMNS.count(",") + 2))
_AGAIN = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS.split(", ")[3:])
_ASKED = f"?{COLUMNS.count(',') + 2}"
_INSERT = f"""
INSERT INTO responses ({COLUMNS}, asked) VALUES ({_PLACES}, {_ASKED}) ON CONFLICT (id) DO NOTHING RETURNING id
"""  # noqa: S608 - the names are ours
_KEEP = f"""
INSERT INTO responses ({COLUMNS}) VALUES ({_PLACES}) ON CONFLICT (id) DO UPDATE SET {_AGAIN}
WHERE responses.user_id = excluded.user_id AND responses.key_id = excluded.key_id AND responses.background = 0
RETURNING id
"""  # noqa: S608
_GET = f"SELECT {COLUMNS} FROM responses WHERE {OWNED} AND id = ?3 AND expires > ?4"  # noqa: S608
DEEPEST = 10_000
"""Turns of one chain: no conversation has so many, and no row of a database may send us round in circles."""
_CHAIN = f"""
WITH RECURSIVE chain (id, previous_id, size, depth) AS (
    SELECT id, previous_id, LENGTH(input) + LENGTH(reply), 0 FROM responses WHERE {OWNED} AND id = ?3 AND expires > ?4
    UNION ALL
    SELECT one.id, one.previous_id, LENGTH(one.input) + LENGTH(one.reply), chain.depth + 1
    FROM responses AS one JOIN chain ON one.id = chain.previous_id
    WHERE one.user_id = ?1 AND one.key_id = ?2 AND one.expires > ?4 AND chain.depth < {DEEPEST}
)"""  # noqa: S608
_SIZES = f"{_CHAIN} SELECT id, previous_id, size FROM chain ORDER BY depth DESC"  # noqa: S608
_KEPT = ", ".join("kept." + name for name in COLUMNS.split(", "))
_OF_CHAIN = f"{_CHAIN} SELECT {_KEPT} FROM chain JOIN responses AS kept ON kept.id = chain.id ORDER BY chain.depth DESC"  # noqa: S608
_RENEW = f"UPDATE responses SET expires = ?6 WHERE expires < ?5 AND id IN ({_CHAIN} SELECT id FROM chain)"  # noqa: S608
_RECENT = "SELECT DISTINCT user_id FROM responses WHERE expires > ?1"
_SIZES_OF = f"""
SELECT id, LENGTH(input) + LENGTH(reply) FROM responses WHERE user_id = ?1 AND NOT {RUNNING}
ORDER BY created DESC, id DESC
"""  # noqa: S608
_MINE = f"SELECT id FROM responses WHERE {OWNED} AND id = ?3"  # noqa: S608
_DELETE_FRAMES = "DELETE FROM response_frames WHERE response_id = ?1"
_DELETE_STEPS = "DELETE FROM response_steps WHERE response_id = ?1"
_DELETE = "DELETE FROM responses WHERE id = ?1"
_PURGE = (
    "DELETE FROM response_frames WHERE response_id IN (SELECT id FROM responses WHERE expires <= ?1)",
    "DELETE FROM response_steps WHERE response_id IN (SELECT id FROM responses WHERE expires <= ?1)",
    "DELETE FROM conversation_items WHERE conversation_id IN (SELECT id FROM conversations WHERE expires <= ?1)",
    "DELETE FROM conversations WHERE expires <= ?1",
)
_PURGE_RESPONSES = "DELETE FROM responses WHERE expires <= ?1 RETURNING id"
_FINISH = f"""
UPDATE responses SET status = ?2, reply = ?3, endpoint = ?4, served = ?5, domain = ?6, expires = ?7,
    beat = NULL, asked = NULL
WHERE id = ?1 AND term = ?8 AND {RUNNING} RETURNING status
"""  # noqa: S608
_FORGET_STEPS = f"""
DELETE FROM response_steps WHERE response_id IN (SELECT id FROM responses WHERE id = ?1 AND NOT {RUNNING})
"""  # noqa: S608
_BEAT = f"""
UPDATE responses SET beat = ?2, status = 'in_progress' WHERE id = ?1 AND term = ?3 AND {RUNNING} RETURNING status
"""  # noqa: S608
_FRAME = """
INSERT INTO response_frames (response_id, number, frame) VALUES (?1, ?2, ?3)
ON CONFLICT (response_id, number) DO NOTHING
"""
_TERM = "SELECT term FROM responses WHERE id = ?1"
_STEP = "INSERT INTO response_steps (response_id, number, told, step, safe) VALUES (?1, ?2, ?3, ?4, ?5)"
_PROGRESS = "UPDATE responses SET tries = 0 WHERE id = ?1"
_LEAVE = f"UPDATE responses SET beat = 0 WHERE id = ?1 AND term = ?2 AND {RUNNING}"  # noqa: S608
_TAKE_UP = f"""
UPDATE responses SET term = term + 1, tries = tries + 1, beat = ?3
WHERE id = ?1 AND beat < ?2 AND tries < ?4 AND asked IS NOT NULL AND {RUNNING}
AND (SELECT safe FROM response_steps WHERE response_id = ?1 ORDER BY number DESC LIMIT 1) = 1
RETURNING asked, {COLUMNS}
"""  # noqa: S608
_STEPS = "SELECT told, step FROM response_steps WHERE response_id = ?1 ORDER BY number"
_NEWEST = "SELECT COALESCE(MAX(number), -1) FROM response_frames WHERE response_id = ?1"
_UNTELL = "DELETE FROM response_frames WHERE response_id = ?1 AND number > ?2"
_ABANDONED = f"SELECT {COLUMNS} FROM responses WHERE beat < ?1 AND {RUNNING} ORDER BY beat LIMIT 100"  # noqa: S608


class SqlResponses(SqlFrames, Responses):
    def __init__(self, database: Database) -> None:
        super().__init__(database, "responses", "response_frames", "response_id")

    async def put(self, response: KeptResponse, asked: bytes | None = None) -> bool:
        """Raises BadCall for what is no text."""
        values = (*row_of(response), asked)

        async def insert(transaction: Transaction) -> bool:
            return bool(await transaction.rows(_INSERT, values))

        return await self._database.write(insert)

    async def keep(self, responses: Sequence[KeptResponse], spare: float = 0.0) -> Collection[str]:
        fit = [one for one in responses if all(map(storable, _texts(one)))]
        refused = {one.id for one in responses} - {one.id for one in fit}

        async def insert(transaction: Transaction) -> Collection[str]:
            taken = set()
            for one in fit:
                if not await transaction.rows(_KEEP, row_of(one)):
                    taken.add(one.id)
                elif one.previous_id:
                    await transaction.rows(_RENEW, _renewal(one.owner, one.previous_id, one.expires, spare))
            return taken

        return refused | set(await self._database.write(insert))

    async def get(self, owner: Owner, response_id: str, now: float) -> KeptResponse | None:
        if not storable(response_id):
            return None
        rows = await self._database.rows(_GET, (owner.user_id, owner.key_id, response_id, now))
        return response_of(rows[0]) if rows else None

    async def chain(self, owner: Owner, response_id: str, now: float, most: int) -> Sequence[KeptResponse] | None:
        if not storable(response_id):
            return ()
        values = (owner.user_id, owner.key_id, response_id, now)
        sizes = await self._database.rows(_SIZES, values)
        if not sizes or sizes[0][1]:  # nothing, or the oldest that is there continues what is not
            return ()
        if sum(row[2] for row in sizes) > most:
            return None
        return [response_of(row) for row in await self._database.rows(_OF_CHAIN, values)]

    async def renew(self, owner: Owner, response_id: str, expires: float, spare: float = 0.0) -> None:
        """What has expired is not renewed once it is purged."""

        async def renew(transaction: Transaction) -> None:
            await transaction.rows(_RENEW, _renewal(owner, response_id, expires, spare))

        await self._database.write(renew)

    async def delete(self, owner: Owner, response_id: str) -> bool:
        async def remove(transaction: Transaction) -> bool:
            values = (owner.user_id, owner.key_id, response_id)
            if not await transaction.rows(f"{_MINE} {transaction.for_update}", values):
                return False
            for statement in (_DELETE_FRAMES, _DELETE_STEPS, _DELETE):
                await transaction.rows(statement, (response_id,))
            return True

        return storable(response_id) and await self._database.write(remove)

    async def purge(self, now: float) -> int:
        async def purge(transaction: Transaction) -> int:
            for statement in _PURGE:
                await transaction.rows(statement, (now,))
            return len(await transaction.rows(_PURGE_RESPONSES, (now,)))

        return await self._database.write(purge)

    async def trim(self, after: float, most: int | None, size: int | None) -> int:
        gone = 0
        for (user_id,) in await self._database.report(_RECENT, (after,), list):
            over = await self._database.report(_SIZES_OF, (user_id,), lambda rows: beyond(rows, most, size))
            if over:
                await self._delete([(name,) for name in over])
                gone += len(over)
        return gone

    async def _delete(self, ids: Sequence[tuple[str]]) -> None:
        async def remove(transaction: Transaction) -> None:
            for statement in (_DELETE_FRAMES, _DELETE_STEPS, _DELETE):
                await transaction.many(statement, ids)

        await self._database.write(remove)

    async def write(
        self,
        name: str,
        frames: Sequence[tuple[int, bytes]],
        now: float,
        term: int = 0,
        step: RunStep | None = None,
    ) -> RunStatus | None:
        async def add(transaction: Transaction) -> RunStatus | None:
            if not await transaction.rows(_BEAT, (name, now, term)):
                if any(row[0] != term for row in await transaction.rows(_TERM, (name,))):
                    raise Conflict("Another process runs this response by now.", code="taken_up")
                return await self.status_in(transaction, name)
            await transaction.many(_FRAME, [(name, number, frame) for number, frame in frames])
            if step is not None:
                [[told]] = await transaction.rows(_NEWEST, (name,))
                await transaction.rows(_STEP, (name, step.number, told, step.step, int(step.safe)))
                await transaction.rows(_PROGRESS, (name,))
            return "in_progress"

        return await self._database.write(add)

    async def finish(self, response: KeptResponse) -> RunStatus | None:
        one = response
        values = (one.id, one.status, one.reply, one.endpoint, one.served, one.domain, one.expires, one.term)

        async def finish(transaction: Transaction) -> RunStatus | None:
            await transaction.rows(_FINISH, values)
            await transaction.rows(_FORGET_STEPS, (one.id,))
            return await self.status_in(transaction, one.id)

        return await self._database.write(finish)

    async def abandoned(self, before: float) -> Sequence[KeptResponse]:
        return [response_of(row) for row in await self._database.rows(_ABANDONED, (before,))]

    async def leave(self, response: KeptResponse) -> None:
        async def leave(transaction: Transaction) -> None:
            await transaction.rows(_LEAVE, (response.id, response.term))

        await self._database.write(leave)

    async def take_up(
        self, response_id: str, before: float, now: float, mark: bytes, keep: int, most: int
    ) -> TakenUp | None:
        async def take(transaction: Transaction) -> TakenUp | None:
            rows = await transaction.rows(_TAKE_UP, (response_id, before, now, most))
            if not rows:
                return None
            steps = await transaction.rows(_STEPS, (response_id,))
            [[newest]] = await transaction.rows(_NEWEST, (response_id,))
            await transaction.rows(_UNTELL, (response_id, max(steps[-1][0], keep - 1)))
            await transaction.many(_FRAME, [(response_id, newest + 1, mark)])
            [[asked, *row]] = rows
            return TakenUp(response_of(row), bytes(asked), [bytes(step) for _, step in steps], newest + 1)

        return await self._database.write(take)


def row_of(one: KeptResponse) -> tuple[Value, ...]:
    """In the order of COLUMNS. Raises BadCall for what is no text."""
    check("The response's id, its model, or what it continues", *_texts(one))
    return (
        one.id,
        one.owner.user_id,
        one.owner.key_id,
        one.dialect,
        one.model,
        one.agent,
        one.endpoint,
        one.served,
        one.domain,
        int(one.upstream),
        one.status,
        int(one.background),
        one.created,
        one.expires,
        one.beat,
        one.previous_id,
        one.conversation_id,
        one.place,
        one.input,
        one.reply,
        one.term,
    )


def _texts(one: KeptResponse) -> tuple[str, ...]:
    names = (one.dialect, one.model, one.agent, one.endpoint, one.served, one.domain)
    return (one.id, *names, one.previous_id, one.conversation_id)


def _renewal(owner: Owner, response_id: str, expires: float, spare: float) -> tuple[Value, ...]:
    return (owner.user_id, owner.key_id, response_id, 0.0, expires, expires + spare)


def beyond(rows: Rows, most: int | None, size: int | None) -> Sequence[str]:
    """rows: ids and sizes, newest first. The ids of those that are too many, or for which there is no room."""
    left = float("inf") if size is None else size
    for place, (_, bytes_of) in enumerate(rows):
        left -= bytes_of
        if left < 0 or (most is not None and place >= most):
            return [name for name, _ in rows[place:]]
    return []


def response_of(row: Sequence[Any]) -> KeptResponse:
    """From a row of COLUMNS."""
    return KeptResponse(
        id=row[0],
        owner=Owner(row[1], row[2]),
        dialect=row[3],
        model=row[4],
        agent=row[5],
        endpoint=row[6],
        served=row[7],
        domain=row[8],
        upstream=bool(row[9]),
        status=row[10],
        background=bool(row[11]),
        created=row[12],
        expires=row[13],
        beat=row[14],
        previous_id=row[15],
        conversation_id=row[16],
        place=row[17],
        input=bytes(row[18]),
        reply=bytes(row[19]),
        term=row[20],
    )
