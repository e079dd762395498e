"""The usage log on SQL: a row for each exchange and each attempt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from gateway import AttemptRecord, Usage, UsageLog, UsageRecord, UsageTotal
from gateway.store import Grouping

from .reader import Reader
from .totals import totals
from .writer import Writer

_COUNTS = "input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_input, audio_output, estimated"
_EXCHANGE = (
    "id, started, duration, first_byte, status, outcome, operation, dialect, user_id, key_id, key_label, agent,"
    f" endpoint, model_asked, model_served, upstream_dialect, stream, loss, error, request_id, peer, {_COUNTS}"
)
_ATTEMPT = f"id, endpoint, model, dialect, outcome, status, upstream_id, started, duration, error, {_COUNTS}"


def _insert(table: str, columns: str) -> str:
    marks = ", ".join(f"?{number}" for number in range(1, columns.count(",") + 2))
    return f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING RETURNING id"  # noqa: S608


_INSERT_EXCHANGE = _insert("exchanges", f"{_EXCHANGE}, quarter")
_INSERT_ATTEMPT = _insert("attempts", f"{_ATTEMPT}, exchange_id, ordinal")
_NEWEST = f"""
SELECT {_EXCHANGE} FROM exchanges WHERE started < ?1 ORDER BY started DESC, id DESC LIMIT ?2
"""  # noqa: S608 - the names are ours
_ATTEMPTS = f"SELECT {_ATTEMPT} FROM attempts WHERE exchange_id = ?1 ORDER BY ordinal"  # noqa: S608
_loss = msgspec.json.Decoder(tuple[str, ...])

NAME, NOTE = 256, 2000
"""Characters kept of names, some of which clients choose, and of error texts."""
MOST_TOKENS = 10**12
"""A count beyond this is not one; without a bound, a few false ones would overflow every later sum."""
FOREVER = 1e300


class SqlUsageLog(UsageLog):
    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    def append(self, record: UsageRecord) -> None:
        self._writer.enqueue(lambda connection: _write(connection, record))

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

        def read(connection: apsw.Connection) -> list[UsageRecord]:
            rows = connection.execute(_NEWEST, (end, limit)).fetchall()
            return [_record(row, connection.execute(_ATTEMPTS, (row[0],)).fetchall()) for row in rows]

        return await self._reader.report(read)


def _write(connection: apsw.Connection, record: UsageRecord) -> None:
    quarter = int(record.started // 900)
    if not connection.execute(_INSERT_EXCHANGE, (*_exchange_values(record), quarter)).fetchall():
        return
    for ordinal, attempt in enumerate(record.attempts):
        connection.execute(_INSERT_ATTEMPT, (*_attempt_values(attempt), record.id, ordinal)).fetchall()


def _exchange_values(record: UsageRecord) -> tuple[Any, ...]:
    return (
        *(record.id, record.started, record.duration, record.first_byte, record.status, record.outcome),
        *(_text(record.operation), _text(record.dialect), _text(record.user_id), _text(record.key_id)),
        *(_text(record.key_label), _text(record.agent), _text(record.endpoint)),
        *(_text(record.model_asked), _text(record.model_served), _text(record.upstream_dialect)),
        *(int(record.stream), msgspec.json.encode([_text(path) for path in record.loss]).decode()),
        *(_text(record.error, NOTE), _text(record.request_id), _text(record.peer), *_counts(record.usage)),
    )


def _attempt_values(attempt: AttemptRecord) -> tuple[Any, ...]:
    return (
        *(attempt.id, _text(attempt.endpoint), _text(attempt.model), _text(attempt.dialect), attempt.outcome),
        *(attempt.status, _text(attempt.upstream_id), attempt.started, attempt.duration),
        *(_text(attempt.error, NOTE), *_counts(attempt.usage)),
    )


def _text(text: str, limit: int = NAME) -> str:
    """Bounded, and without what is no Unicode text (lone surrogates) or what PostgreSQL refuses (NUL)."""
    return text[:limit].encode("utf-8", "replace").decode().replace("\0", "�")


def _counts(usage: Usage) -> tuple[int | None, ...]:
    return (
        *(_count(usage.input), _count(usage.cache_read), _count(usage.cache_write_5m), _count(usage.cache_write_1h)),
        *(_count(usage.output), _count(usage.reasoning), _count(usage.audio_input), _count(usage.audio_output)),
        int(usage.estimated),
    )


def _count(count: int | None) -> int | None:
    return None if count is None else max(0, min(count, MOST_TOKENS))


def _usage(row: Sequence[Any]) -> Usage:
    return Usage(*(*row[:8], bool(row[8])))


def _record(row: Sequence[Any], attempts: Sequence[Sequence[Any]]) -> UsageRecord:
    return UsageRecord(
        **dict(zip(_EXCHANGE.split(", ")[:16], row, strict=False)),
        stream=bool(row[16]),
        loss=_loss.decode(row[17]),
        error=row[18],
        request_id=row[19],
        peer=row[20],
        usage=_usage(row[21:]),
        attempts=tuple(_attempt(attempt) for attempt in attempts),
    )


def _attempt(row: Sequence[Any]) -> AttemptRecord:
    return AttemptRecord(**dict(zip(_ATTEMPT.split(", ")[:10], row, strict=False)), usage=_usage(row[10:]))
