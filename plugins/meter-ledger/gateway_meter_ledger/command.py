"""`gateway usage`: totals of the usage log."""

from __future__ import annotations

import datetime
import time
from typing import TYPE_CHECKING, NamedTuple, cast, get_args

import click

from gateway import BadCall, Store
from gateway.cli.output import as_json, emit_json, table
from gateway.cli.stored import with_store
from gateway.store import Grouping

from .report import Report, cells, names_of, rows_of, sum_of, to_csv
from .when import local_zone, moment, month, zone_of

if TYPE_CHECKING:
    from gateway.cli.context import Context

GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)
DEFAULT = "day,key,agent,model"


def groupings(ctx: click.Context, param: click.Parameter, value: str) -> tuple[Grouping, ...]:
    """A list with commas; each once."""
    try:
        return groupings_of(value)
    except BadCall as error:
        raise click.BadParameter(error.public) from error


def groupings_of(text: str) -> tuple[Grouping, ...]:
    """Each once. Raises BadCall."""
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    unknown = [word for word in words if word not in GROUPINGS]
    if unknown:
        raise BadCall(f"{unknown[0]!r} is none of {', '.join(GROUPINGS)}", param="by")
    return cast("tuple[Grouping, ...]", words)


@click.command()
@click.option("--by", default=DEFAULT, show_default=True, callback=groupings, help=f"Of {', '.join(GROUPINGS)}.")
@click.option("--since", help="7d, 12h, 2026-11-01 or 2026-11-01T12:00. By default all there is.")
@click.option("--until", help="The same; not included.")
@click.option("--month", "of_month", metavar="YYYY-MM", help="A month of the zone, in place of the two before.")
@click.option("--zone", help="Whose days: an IANA time zone. By default this machine's, or UTC.")
@click.option("--user", help="Only this one's, by name, address or id.")
@as_json
@click.option("--csv", "as_csv", is_flag=True, help="For spreadsheets; without the total.")
@click.pass_obj
def usage(
    context: Context,
    by: tuple[Grouping, ...],
    since: str | None,
    until: str | None,
    of_month: str | None,
    zone: str | None,
    user: str | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Show what was used.

    Exchanges and tokens; where calls are priced, what users paid and vendors ask; how much of it is an estimate.
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other.")
    if of_month and (since or until):
        raise click.UsageError("--month and --since or --until exclude each other.")

    period = Period(since, until, of_month)
    report = with_store(context, lambda store: report_of(store, by, period, zone or local_zone(), user))
    if as_json:
        emit_json(report)
    elif as_csv:
        click.echo(to_csv(report), nl=False)
    else:
        _print(report)


class Period(NamedTuple):
    """As it was written: two times, or a month."""

    since: str | None
    until: str | None
    of_month: str | None

    def bounds(self, zone: datetime.tzinfo) -> tuple[float | None, float | None]:
        """Epoch seconds. Raises BadCall."""
        if self.of_month is not None:
            return month(self.of_month, zone)
        now = time.time()
        start = None if self.since is None else moment(self.since, zone, now)
        return start, None if self.until is None else moment(self.until, zone, now)


async def report_of(store: Store, by: tuple[Grouping, ...], period: Period, zone: str, user: str | None) -> Report:
    """Raises BadCall for a time or zone that is none."""
    tz = zone_of(zone)
    start, end = period.bounds(tz)
    asked = (by, start or 0.0, end, zone, None if user is None else await user_id(store, user))
    charges = () if store.ledger is None else await store.ledger.totals(*asked)
    rows = rows_of(await store.usage.totals(*asked), by, await names_of(store), charges)
    return Report(zone, _iso(start, tz), _iso(end, tz), by, rows, sum_of(rows))


async def user_id(store: Store, user: str) -> str:
    """An unknown one is taken for an id: `operator`, the owner of GATEWAY_API_KEY, is not among the store's users."""
    found = await store.users.find(user)
    return user if found is None else found.id


def _iso(at: float | None, zone: datetime.tzinfo) -> str | None:
    return None if at is None else datetime.datetime.fromtimestamp(at, zone).isoformat()


def _print(report: Report) -> None:
    bounds = [f"from {report.since}" if report.since else "", f"until {report.until}" if report.until else ""]
    period = " ".join(filter(None, bounds))
    if not report.rows:
        click.echo(f"No usage is recorded{' ' + period if period else ' yet'}.")
        return
    table(f"Usage {period}, days of {report.zone}".replace(" ,", ","), *cells(report))
