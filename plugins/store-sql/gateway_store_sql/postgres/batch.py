"""A batch: jobs that are committed together, each within a savepoint of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..database import Job, Rows, Transaction, Values
from .dialect import statement
from .failures import FAILURES, FAULTS

if TYPE_CHECKING:
    from .pool import Connection

MOST = 64
_BEGIN, _NEXT = "BEGIN; SAVEPOINT job", "RELEASE SAVEPOINT job; SAVEPOINT job"


class Slot:
    """A job, who awaits it, and what came of it."""

    __slots__ = ("future", "job", "outcome")

    def __init__(self, job: Job[Any], future: asyncio.Future[Any] | None = None) -> None:
        self.job = job
        self.future = future
        self.outcome: Any = None

    def settle(self) -> None:
        if self.future is None or self.future.done():
            return
        if isinstance(self.outcome, BaseException):
            self.future.set_exception(self.outcome)
        else:
            self.future.set_result(self.outcome)


class PostgresTransaction(Transaction):
    __slots__ = ("_connection",)
    for_update = "FOR UPDATE"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def rows(self, sql: str, values: Values = ()) -> Rows:
        return await self._connection.fetch(statement(sql), *values)

    async def many(self, sql: str, values: Sequence[Values]) -> None:
        await self._connection.executemany(statement(sql), values)


async def commit(connection: Connection, slots: Sequence[Slot]) -> None:
    """Outcomes are in the slots. Raises what asyncpg raises where the database failed."""
    transaction = PostgresTransaction(connection)
    for slot, opening in zip(slots, _openings(), strict=False):
        await connection.execute(opening)
        slot.outcome = await _attempt(connection, transaction, slot.job)
    await connection.execute("COMMIT")


def _openings() -> Iterable[str]:
    """One round trip before each job."""
    yield _BEGIN
    while True:
        yield _NEXT


async def _attempt(connection: Connection, transaction: Transaction, job: Job[Any]) -> Any:
    """What it returns, or raised: its error must not take the rest of the batch along."""
    try:
        return await job(transaction)
    except FAULTS as error:
        outcome: Exception = error
    except FAILURES:
        raise
    except Exception as error:  # the job's own fault, whatever it is
        outcome = error
    await connection.execute("ROLLBACK TO SAVEPOINT job")
    return outcome
