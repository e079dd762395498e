"""A UsageRecord as a row of `exchanges`, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway import AttemptRecord, Usage, UsageRecord

from .totals import QUARTER

Value = str | int | float | None
Count = int | None

COLUMNS = (
    "id, started, duration, first_byte, status, outcome, operation, dialect, user_id, key_id, key_label, agent,"
    " endpoint, model_asked, model_served, upstream_dialect, stream, error, request_id, peer, loss, attempts,"
    " input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_input, audio_output, estimated,"
    " parent, delegated"
)
WIDTH = COLUMNS.count(",") + 2
"""Values of a row: the columns and, last, the quarter of an hour."""
_PLAIN = COLUMNS.split(", ")[:16]

NAME, NOTE = 256, 2000
"""Characters kept of names, some of which clients choose, and of error texts."""
MOST_TOKENS = 10**12
"""A count beyond this is not one; without a bound, a few false ones would overflow every later sum."""

_encode = msgspec.json.Encoder().encode
_loss = msgspec.json.Decoder(tuple[str, ...])
_attempts = msgspec.json.Decoder(tuple[AttemptRecord, ...])


def row_of(record: UsageRecord) -> tuple[Value, ...]:
    names = (
        record.operation,
        record.dialect,
        record.user_id,
        record.key_id,
        record.key_label,
        record.agent,
        record.endpoint,
        record.model_asked,
        record.model_served,
        record.upstream_dialect,
    )
    return (
        record.id,
        record.started,
        record.duration,
        record.first_byte,
        record.status,
        record.outcome,
        *(names if fit(names) else [bounded(name) for name in names]),
        record.stream,
        bounded(record.error, NOTE),
        bounded(record.request_id),
        bounded(record.peer),
        _encode([bounded(path) for path in record.loss]).decode() if record.loss else "[]",
        _encode([_kept(attempt) for attempt in record.attempts]).decode() if record.attempts else "[]",
        *counts(record.usage),
        record.parent,
        int(record.delegated),
        int(record.started // QUARTER),
    )


def record_of(row: Sequence[Any]) -> UsageRecord:
    """From a row of COLUMNS."""
    return UsageRecord(
        **dict(zip(_PLAIN, row, strict=False)),
        stream=bool(row[16]),
        error=row[17],
        request_id=row[18],
        peer=row[19],
        loss=_loss.decode(row[20]),
        attempts=_attempts.decode(row[21]),
        usage=Usage(*(*row[22:30], bool(row[30]))),
        parent=row[31],
        delegated=bool(row[32]),
    )


def _kept(attempt: AttemptRecord) -> AttemptRecord:
    """What is kept of it."""
    names = (attempt.endpoint, attempt.model, attempt.dialect, attempt.upstream_id, attempt.error)
    if fit(names) and countable(attempt.usage):
        return attempt
    return msgspec.structs.replace(
        attempt,
        endpoint=bounded(attempt.endpoint),
        model=bounded(attempt.model),
        dialect=bounded(attempt.dialect),
        upstream_id=bounded(attempt.upstream_id),
        usage=Usage(*counts(attempt.usage)),
        error=bounded(attempt.error, NOTE),
    )


def fit(names: tuple[str, ...]) -> bool:
    """Whether none of them would be changed by `_text`: nearly always, and asked at once."""
    joined = "".join(names)
    return len(joined) <= NAME and joined.isprintable()


def bounded(text: str, limit: int = NAME) -> str:
    """Bounded, and without what is no Unicode text (lone surrogates) or what PostgreSQL refuses (NUL)."""
    if len(text) <= limit and text.isprintable():  # nearly always, and neither of the two is printable
        return text
    return text[:limit].encode("utf-8", "replace").decode().replace("\0", "�")


def countable(usage: Usage) -> bool:
    """Counts are never negative, so where all of them together are no more, none is."""
    return usage.total + (usage.reasoning or 0) + (usage.audio_input or 0) + (usage.audio_output or 0) <= MOST_TOKENS


def counts(usage: Usage) -> tuple[Count, Count, Count, Count, Count, Count, Count, Count, bool]:
    """Its members in their order, within bounds."""
    if countable(usage):
        return (
            usage.input,
            usage.cache_read,
            usage.cache_write_5m,
            usage.cache_write_1h,
            usage.output,
            usage.reasoning,
            usage.audio_input,
            usage.audio_output,
            usage.estimated,
        )
    return (
        _count(usage.input),
        _count(usage.cache_read),
        _count(usage.cache_write_5m),
        _count(usage.cache_write_1h),
        _count(usage.output),
        _count(usage.reasoning),
        _count(usage.audio_input),
        _count(usage.audio_output),
        usage.estimated,
    )


def _count(count: Count) -> Count:
    return count if count is None or 0 <= count <= MOST_TOKENS else max(0, min(count, MOST_TOKENS))
