"""The usage log on SQL: a row for each exchange, with its attempts as JSON in a column."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import apsw

from gateway import UsageLog, UsageRecord, UsageTotal
from gateway.store import Grouping

from .reader import Reader
from .rows import COLUMNS, WIDTH, Value, record_of, row_of
from .totals import totals
from .writer import Writer

_NEWEST = f"""
SELECT {COLUMNS} FROM exchanges WHERE started < ?1 ORDER BY started DESC, id DESC LIMIT ?2
"""  # noqa: S608 - the names are ours
MOST_ROWS = 64
"""Of one statement. Each run of one gives the interpreter's lock away and waits for it again, whatever it inserts."""
FOREVER = 1e300


class SqlUsageLog(UsageLog):
    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    def append(self, record: UsageRecord) -> None:
        self._writer.append(record)

    async def flush(self) -> None:
        """Raises Unavailable where it cannot be made durable now; the records are kept and tried again."""
        await self._writer.submit(lambda connection: None)

    async def totals(
        self,
        by: Sequence[Grouping],
        since: float = 0.0,
        until: float | None = None,
        zone: str = "UTC",
        user_id: str | None = None,
    ) -> Sequence[UsageTotal]:
        """Raises BadCall for an unknown grouping or zone."""
        end = FOREVER if until is None else until
        return await self._reader.report(lambda connection: totals(connection, by, since, end, zone, user_id))

    async def records(self, limit: int = 100, before: float | None = None) -> Sequence[UsageRecord]:
        end = FOREVER if before is None else before
        rows = await self._reader.report(lambda connection: connection.execute(_NEWEST, (end, limit)).fetchall())
        return [record_of(row) for row in rows]


def write(connection: apsw.Connection, records: Sequence[UsageRecord]) -> Sequence[Exception]:
    """Within a transaction; the errors of those that were refused. Raises apsw.Error where the database failed."""
    refused: list[Exception] = []
    start = 0
    while start < len(records):
        piece = records[start : start + _largest(len(records) - start)]
        start += len(piece)
        if _failure(connection, piece) is not None:
            alone = (_failure(connection, [record]) for record in piece)
            refused += [failure for failure in alone if failure is not None]
    return refused


def _failure(connection: apsw.Connection, records: Sequence[UsageRecord]) -> Exception | None:
    """None when they are written; a statement that fails has written nothing. Raises apsw.Error as `write`."""
    values: list[Value] = []
    try:
        for record in records:
            values += row_of(record)
        connection.execute(_insert(len(records)), values)
    except (apsw.ConstraintError, apsw.TooBigError) as error:
        return error
    except apsw.Error:
        raise
    except Exception as error:  # the record's own fault, whatever it is
        return error
    return None


def _largest(count: int) -> int:
    """A power of two, so that there are few statements to prepare."""
    return min(MOST_ROWS, 1 << (count.bit_length() - 1))


@cache
def _insert(rows: int) -> str:
    row = f"({', '.join('?' * WIDTH)})"
    return f"INSERT INTO exchanges ({COLUMNS}, quarter) VALUES {', '.join([row] * rows)} ON CONFLICT (id) DO NOTHING"  # noqa: S608
