"""/api/admin/usage: what `gateway usage` and `gateway reconcile` do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from gateway import BadCall, RouteSpec, Services, Store, Unavailable, UsageRecord
from gateway.admin import Asking, Listed, Paged, cursor_of, place_of, reading, taking_file
from gateway.store import Grouping

from .command import DEFAULT, Period, groupings_of, report_of, user_id
from .comparison import Comparison
from .invoice import read_invoice
from .reconcile import compared
from .report import Row


class TotalsAsked(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """by: of key, user, agent, endpoint, model and day, with commas. since, until: `7d`, or a date or time of the zone,
    the latter not included; month: as `2026-11`, in place of both. zone: an IANA time zone. user: id, name or address.
    """

    by: str = DEFAULT
    since: str | None = None
    until: str | None = None
    month: str | None = None
    zone: str = "UTC"
    user: str | None = None


class Totals(Struct, frozen=True):
    """A page of rows, in the order of their groups; total: of all pages. As `gateway usage --json`."""

    data: tuple[Row, ...]
    next_cursor: str | None
    total: Row
    by: tuple[Grouping, ...]
    zone: str
    since: str | None
    until: str | None


class RecordsAsked(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """user: only this one's, by id, name or address."""

    user: str | None = None


class InvoiceAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """endpoint: that the invoice is for, several with commas; "" for all. tolerance: percent."""

    endpoint: str = ""
    tolerance: Annotated[float, Meta(ge=0, le=100)] = 1.0


class Reconciled(Struct, frozen=True):
    agrees: bool
    comparison: Comparison


class UsageAdmin:
    def __init__(self, store: Store | None) -> None:
        self._store = store

    async def totals(self, asking: Asking[TotalsAsked, None]) -> Totals:
        asked, store = asking.query, self._kept()
        if asked.month and (asked.since or asked.until):
            raise BadCall("month and since or until exclude each other.", param="month")
        after = place_of(asked.cursor, tuple[str, ...])
        period = Period(asked.since, asked.until, asked.month)
        report = await report_of(store, groupings_of(asked.by), period, asked.zone, asked.user)
        rest = [row for row in report.rows if after is None or tuple(row.group.values()) > after]
        more = len(rest) > asked.limit
        cursor = cursor_of(tuple(rest[asked.limit - 1].group.values())) if more else None
        about = (report.by, report.zone, report.since, report.until)
        return Totals(tuple(rest[: asked.limit]), cursor, report.total, *about)

    async def records(self, asking: Asking[RecordsAsked, None]) -> Listed[UsageRecord]:
        asked, store = asking.query, self._kept()
        user = None if asked.user is None else await user_id(store, asked.user)
        page = await store.usage.page(asked.limit, place_of(asked.cursor, str) or "", user)
        return Listed(page.items, None if page.next is None else cursor_of(page.next))

    async def reconcile(self, asking: Asking[InvoiceAsked, bytes]) -> Reconciled:
        try:
            invoice = read_invoice(asking.body.decode())
        except UnicodeDecodeError as error:
            raise BadCall("The body cannot be read as text; send the CSV as it was exported.") from error
        endpoints = tuple(filter(None, (name.strip() for name in asking.query.endpoint.split(","))))
        found = await compared(self._kept(), invoice, asking.query.tolerance, endpoints)
        return Reconciled(found.agrees, found)

    def _kept(self) -> Store:
        if self._store is None:
            raise Unavailable("There is no store here that keeps usage; install plugins/store-sql.")
        return self._store


def admin_routes(services: Services) -> Sequence[RouteSpec]:
    usage = UsageAdmin(services.store)
    invoice = "An invoice or usage export of OpenAI or Anthropic, as CSV, against the ledger"
    return [
        reading("/usage", usage.totals, "Totals of what was used", TotalsAsked, Totals),
        reading("/usage/records", usage.records, "Each exchange, newest first", RecordsAsked, Listed[UsageRecord]),
        taking_file("/usage/reconcile", usage.reconcile, invoice, InvoiceAsked, Reconciled),
    ]
