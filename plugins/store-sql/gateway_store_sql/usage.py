"""The usage log on SQL: a row for each exchange, with its attempts as JSON in a column."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import UsageLog, UsageRecord, UsageTotal
from gateway.store import Grouping

from .database import Database
from .rows import COLUMNS, record_of
from .text import storable
from .totals import FOREVER, USED, Totals

_NEWEST = f"""
SELECT {COLUMNS} FROM exchanges WHERE started < ?1 ORDER BY started DESC, id DESC LIMIT ?2
"""  # noqa: S608 - the names are ours


class SqlUsageLog(UsageLog):
    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, record: UsageRecord) -> None:
        self._database.append(record)

    async def flush(self) -> None:
        """Raises Unavailable where it cannot be made durable now; the records are kept and tried again."""
        await self._database.flush()

    async def totals(
        self,
        by: Sequence[Grouping],
        since: float = 0.0,
        until: float | None = None,
        zone: str = "UTC",
        user_id: str | None = None,
    ) -> Sequence[UsageTotal]:
        """Raises BadCall for an unknown grouping or zone."""
        if user_id is not None and not storable(user_id):
            return ()
        asked = Totals(USED, by, zone, since, until, user_id)
        return await self._database.report(asked.sql, asked.values, asked.read)

    async def records(self, limit: int = 100, before: float | None = None) -> Sequence[UsageRecord]:
        end = FOREVER if before is None else before
        return await self._database.report(_NEWEST, (end, limit), lambda rows: [record_of(row) for row in rows])
