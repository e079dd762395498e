"""Sums over the usage log and over settlements, and the days of a time zone."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway import BadCall, UsageTotal
from gateway.ledger import ChargeTotal
from gateway.store import Grouping

from .database import Rows, Values

_OF_EXCHANGES: dict[Grouping, str] = {
    "key": "key_id",
    "user": "user_id",
    "agent": "agent",
    "endpoint": "endpoint",
    # What was refused before it reached an upstream has the name that the client wrote.
    "model": "CASE WHEN model_served = '' THEN model_asked ELSE model_served END",
    "day": "quarter",
}
_SUMS = """
COUNT(*), SUM(CASE WHEN outcome IN ('complete', 'client_gone') THEN 0 ELSE 1 END),
COALESCE(SUM(input), 0), COALESCE(SUM(cache_read), 0),
COALESCE(SUM(COALESCE(cache_write_5m, 0) + COALESCE(cache_write_1h, 0)), 0),
COALESCE(SUM(output), 0), COALESCE(SUM(reasoning), 0), SUM(estimated)
"""
QUARTER = 900
_OF_SETTLEMENTS: dict[Grouping, str] = {
    "key": "key_id",
    "user": "user_id",
    "agent": "agent",
    "endpoint": "endpoint",
    "model": "model",
    "day": f"FLOOR(at / {QUARTER})",
}
_AMOUNTS = """
COUNT(*), SUM(price), SUM(taken), SUM(CASE WHEN rule IN ('estimated', 'unknown') THEN taken ELSE 0 END),
COALESCE(SUM(cost), 0), SUM(CASE WHEN cost IS NULL THEN 1 ELSE 0 END),
COALESCE(SUM(input), 0), COALESCE(SUM(cache_read), 0),
COALESCE(SUM(COALESCE(cache_write_5m, 0) + COALESCE(cache_write_1h, 0)), 0), COALESCE(SUM(output), 0)
"""
FOREVER = 1e300
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source(Generic[T]):
    """What is summed. at: the column of its time. expressions: by grouping. total: made of a group and its sums.

    which: a condition on top.
    """

    table: str
    at: str
    expressions: Mapping[Grouping, str]
    sums: str
    total: Callable[..., T]
    which: str = ""


USED = Source("exchanges", "started", _OF_EXCHANGES, _SUMS, UsageTotal, " AND delegated = 0")
CHARGED = Source("settlements", "at", _OF_SETTLEMENTS, _AMOUNTS, ChargeTotal)


class Totals(Generic[T]):
    """One question for totals: its statement, and what becomes of the rows. Raises BadCall.

    Errors are all outcomes except `complete` and `client_gone`.
    """

    def __init__(
        self,
        source: Source[T],
        by: Sequence[Grouping],
        zone: str,
        since: float,
        until: float | None,
        user_id: str | None = None,
    ) -> None:
        self._source = source
        self._by = by
        self._day = _days(zone)
        self.sql = _query(source, by, user_id is not None)
        end = FOREVER if until is None else until
        self.values: Values = (since, end) if user_id is None else (since, end, user_id)

    def read(self, rows: Rows) -> Sequence[T]:
        """Ordered by group."""
        sums: dict[tuple[str, ...], list[int]] = {}
        for row in rows:
            group = tuple(self._day(part) if name == "day" else part for name, part in zip(self._by, row, strict=False))
            counts = [int(count) for count in row[len(self._by) :]]
            sums[group] = [a + b for a, b in zip(sums[group], counts, strict=True)] if group in sums else counts
        return [self._source.total(group, *counts) for group, counts in sorted(sums.items())]


def _query(source: Source[T], by: Sequence[Grouping], one_user: bool) -> str:
    unknown = [name for name in by if name not in source.expressions]
    if unknown:
        raise BadCall(f"Usage has no grouping {unknown[0]!r}; there are {', '.join(source.expressions)}.", param="by")
    # An expression and not a column's number: PostgreSQL and SQLite agree on it for any of them.
    groups = [source.expressions[name] for name in by]
    where = f"{source.at} >= ?1 AND {source.at} < ?2{source.which}" + (" AND user_id = ?3" if one_user else "")
    ending = f"GROUP BY {', '.join(groups)}" if groups else "HAVING COUNT(*) > 0"
    asked = ", ".join([*groups, source.sums])
    return f"SELECT {asked} FROM {source.table} WHERE {where} {ending}"  # noqa: S608 - all text is ours


def _days(zone: str) -> Callable[[Any], str]:
    """Quarters of an hour to ISO dates in this zone."""
    tz = _zone(zone)

    def day(quarter: Any) -> str:
        return datetime.datetime.fromtimestamp(int(quarter) * QUARTER, tz).date().isoformat()

    return day


def _zone(name: str) -> datetime.tzinfo:
    if name == "UTC":  # also where the machine has no time zone data
        return datetime.UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadCall(
            f"There is no time zone {name!r} here. Write an IANA name such as Europe/Berlin or UTC; "
            "if this is one, install the system's `tzdata` package (or pip install tzdata).",
            param="zone",
        ) from error
