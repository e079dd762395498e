"""Database: what statements are run on. There are two, SQLite and PostgreSQL, and the same text for both.

Parameters are written `?1`, `?2`. Of functions, types and clauses only what both know is used; times are epoch seconds,
lists JSON text, truth 0 or 1, and whatever depends on a time zone or a collation is done in Python.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar, TypeVar

from gateway import UsageRecord

T = TypeVar("T")
Value = str | int | float | bytes | None
Values = Sequence[Value]
Rows = Sequence[Sequence[Any]]


class Transaction(ABC):
    """What a job changes with. All of it is committed, or nothing where the job raises.

    for_update: the end of a SELECT whose rows nobody else may change before the commit.
    """

    for_update: ClassVar[str]

    @abstractmethod
    async def rows(self, sql: str, values: Values = ()) -> Rows:
        """What the statement gives."""

    @abstractmethod
    async def many(self, sql: str, values: Sequence[Values]) -> None:
        """The statement once for each of them."""


Job = Callable[[Transaction], Coroutine[Any, Any, T]]
"""It awaits nothing but its transaction and changes nothing but the database, for it may run again.

Others may commit between two of its statements on PostgreSQL: what must hold together is one statement, with its
condition in `WHERE` or `ON CONFLICT`, or rows that were read `for_update`, by all in one order.
"""


class Database(ABC):
    """`enqueue` and `append` are called in the loop's thread and never wait."""

    @abstractmethod
    async def rows(self, sql: str, values: Values = ()) -> Rows:
        """For look-ups by an index. Raises Unavailable."""

    @abstractmethod
    async def report(self, sql: str, values: Values, read: Callable[[Rows], T]) -> T:
        """For what may take seconds; `read` makes something of the rows, outside of the loop. Raises Unavailable."""

    @abstractmethod
    async def snapshot(self, job: Job[T]) -> T:
        """For reports of several statements: all that they read is of one moment. It changes nothing, and what it does
        with the rows is done outside of the loop where the database allows. Raises Unavailable.
        """

    @abstractmethod
    async def write(self, job: Job[T]) -> T:
        """Durable when it returns. Raises what the job raises, or Unavailable: then it may have been done or not."""

    @abstractmethod
    def enqueue(self, job: Job[object]) -> bool:
        """Runs it soon, after those enqueued before; kept and tried again where the database fails.

        False where so many wait already that it is lost, which is told.
        """

    @abstractmethod
    def append(self, record: UsageRecord) -> None:
        """Writes it soon, once, whatever fails."""

    @abstractmethod
    async def flush(self) -> None:
        """Returns once all that was enqueued and appended is durable. Raises Unavailable; it is tried again then."""
