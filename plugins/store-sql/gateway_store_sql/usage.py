"""The usage log on SQL: a row for each exchange, with its attempts as JSON in a column."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Page, UsageLog, UsageRecord, UsageTotal
from gateway.identity import PAGE
from gateway.store import Grouping

from .database import Database
from .pages import most, newest, newest_of, page
from .rows import COLUMNS, record_of
from .text import storable
from .totals import FOREVER, USED, Totals

_NEWEST = f"""
SELECT {COLUMNS} FROM exchanges WHERE started < ?1 ORDER BY started DESC, id DESC LIMIT ?2
"""  # noqa: S608 - the names are ours


_BEFORE = "(started < ?2 OR (started = ?2 AND id < ?3))"
_IN_ORDER = "ORDER BY started DESC, id DESC LIMIT ?1"
_PAGE = f"SELECT {COLUMNS} FROM exchanges WHERE {_BEFORE} {_IN_ORDER}"  # noqa: S608
_PAGE_OF_USER = f"SELECT {COLUMNS} FROM exchanges WHERE user_id = ?4 AND {_BEFORE} {_IN_ORDER}"  # noqa: S608


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

    async def page(self, limit: int = PAGE, after: str = "", user_id: str | None = None) -> Page[UsageRecord]:
        place = newest_of(after) if after else (FOREVER, "")
        if place is None or not storable(place[1]) or not storable(user_id or ""):
            return Page(())
        asked = (most(limit), *place)
        sql, values = (_PAGE, asked) if user_id is None else (_PAGE_OF_USER, (*asked, user_id))
        return await self._database.report(
            sql,
            values,
            lambda rows: page([record_of(row) for row in rows], limit, lambda one: newest(one.started, one.id)),
        )
