"""Usage records into PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import UsageRecord

from ..rows import COLUMNS, WIDTH, Value, row_of
from .failures import FAULTS
from .pool import Pool

MOST = 500
"""Of one statement, which is one round trip and all or nothing."""
INSERT = 3.0
"""Seconds; it takes some 5 ms."""
_PLACES = ", ".join(f"${number}" for number in range(1, WIDTH + 1))
_INSERT = f"INSERT INTO exchanges ({COLUMNS}, quarter) VALUES ({_PLACES}) ON CONFLICT (id) DO NOTHING"  # noqa: S608


async def insert(pool: Pool, records: Sequence[UsageRecord]) -> Sequence[Exception]:
    """MOST at most; one that is there already stays. The errors of those that were refused. Raises Unavailable."""
    rows: list[tuple[Value, ...]] = []
    refused: list[Exception] = []
    for record in records:
        try:
            rows.append(row_of(record))
        except Exception as error:  # the record's own fault, whatever it is
            refused.append(error)
    if rows and await _failure(pool, rows) is not None:
        alone = [await _failure(pool, [row]) for row in rows]
        refused += [failure for failure in alone if failure is not None]
    return refused


async def _failure(pool: Pool, rows: Sequence[tuple[Value, ...]]) -> Exception | None:
    try:
        async with pool.connection(INSERT) as connection:
            await connection.executemany(_INSERT, rows)
    except FAULTS as error:
        return error
    return None
