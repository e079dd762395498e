"""Usage records into SQLite, many rows a statement."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import apsw

from gateway import UsageRecord

from .rows import COLUMNS, WIDTH, Value, row_of

MOST_ROWS = 64
"""Of one statement. Each run of one gives the interpreter's lock away and waits for it again, whatever it inserts."""


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
