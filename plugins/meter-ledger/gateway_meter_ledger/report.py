"""A report of totals: what it holds, as a table, as JSON, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from gateway import Store, UsageTotal
from gateway.store import Grouping

COUNTS = ("exchanges", "errors", "input", "cache_read", "cache_write", "output", "reasoning", "estimated")


class Names(Struct, frozen=True):
    """What keys and users are called, by id."""

    keys: Mapping[str, str]
    users: Mapping[str, str]


class Row(Struct, frozen=True):
    """group: values by grouping, ids as they are. names: of the keys and users among them.

    input: tokens read at full price; cache_read and cache_write are beside it. output: reasoning included.
    estimated: how many of the exchanges have counts of ours, since the upstream gave none.
    """

    group: Mapping[str, str]
    names: Mapping[str, str]
    exchanges: int = 0
    errors: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    estimated: int = 0

    @property
    def counts(self) -> tuple[int, ...]:
        return tuple(int(getattr(self, name)) for name in COUNTS)


class Report(Struct, frozen=True):
    """since, until: ISO times, the latter not included; null for no bound. rows: in the order of their groups."""

    zone: str
    since: str | None
    until: str | None
    by: tuple[Grouping, ...]
    rows: tuple[Row, ...]
    total: Row


async def names_of(store: Store) -> Names:
    """A key without a label goes by its beginning."""
    keys = {key.id: key.label or f"{key.prefix}…" for key in await store.keys.list()}
    users = {user.id: user.name for user in await store.users.list()}
    return Names(keys, users)


def rows_of(totals: Iterable[UsageTotal], by: Sequence[Grouping], names: Names) -> tuple[Row, ...]:
    return tuple(_row(total, by, names) for total in totals)


def sum_of(rows: Iterable[Row]) -> Row:
    sums = [sum(column) for column in zip(*(row.counts for row in rows), strict=True)]
    return Row({}, {}, *sums)


def cells(report: Report) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the table, the total last. Counts of cached and thought tokens only where there are any."""
    shown = [name for name in COUNTS if name not in ("cache_read", "cache_write", "reasoning") or _any(report, name)]
    columns = [*report.by, *(name.replace("_", " ") for name in shown)]
    rows = [[*(_spoken(row, name) for name in report.by), *_counts(row, shown)] for row in report.rows]
    labels = ["total", *([""] * (len(report.by) - 1))] if report.by else []
    return columns, [*rows, [*labels, *_counts(report.total, shown)]]


def to_csv(report: Report) -> str:
    """A header and a line for each row, without the total; ids, with the names of keys and users beside them."""
    named = [name for name in report.by if name in ("key", "user")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*report.by, *(f"{name}_name" for name in named), *COUNTS])
    for row in report.rows:
        groups = [printable(row.group[name]) for name in report.by]
        writer.writerow([*groups, *(printable(row.names.get(name, "")) for name in named), *row.counts])
    return text.getvalue()


def printable(text: str) -> str:
    """Clients choose some of these names; none may move the cursor of a terminal."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def _row(total: UsageTotal, by: Sequence[Grouping], names: Names) -> Row:
    group: dict[str, str] = dict(zip(by, total.group, strict=True))
    found = {"key": names.keys.get(group.get("key", "")), "user": names.users.get(group.get("user", ""))}
    counts = (total.exchanges, total.errors, total.input, total.cache_read, total.cache_write)
    return Row(
        group,
        {name: text for name, text in found.items() if text is not None},
        *(*counts, total.output, total.reasoning, total.estimated),
    )


def _spoken(row: Row, name: Grouping) -> str:
    return printable(row.names.get(name) or row.group[name]) or "-"


def _counts(row: Row, shown: Sequence[str]) -> list[str]:
    return [_share(row) if name == "estimated" else f"{getattr(row, name):,}" for name in shown]


def _share(row: Row) -> str:
    """Of the exchanges, in percent; never 0 % where there is one, nor 100 % where one is not."""
    if not row.estimated:
        return "-"
    share = 100 * row.estimated / row.exchanges
    return f"{share:.0f} %" if share == 100 or 1 <= share < 99 else "<1 %" if share < 1 else ">99 %"


def _any(report: Report, name: str) -> bool:
    return bool(getattr(report.total, name))
