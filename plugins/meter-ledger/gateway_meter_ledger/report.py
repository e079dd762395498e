"""A report of totals, in tokens and in money: what it holds, as a table, as JSON, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from gateway import Store, UsageTotal
from gateway.ledger import ChargeTotal
from gateway.money import in_usd, in_words
from gateway.store import Grouping

COUNTS = ("exchanges", "errors", "input", "cache_read", "cache_write", "output", "reasoning", "estimated")
AMOUNTS = ("attempts", "price", "taken", "taken_estimated", "cost", "unpriced")


class Names(Struct, frozen=True):
    """What keys and users are called, by id."""

    keys: Mapping[str, str]
    users: Mapping[str, str]


class Row(Struct, frozen=True):
    """group: values by grouping, ids as they are. names: of the keys and users among them.

    input: tokens read at full price; cache_read and cache_write are beside it. output: reasoning included.
    estimated: how many of the exchanges have counts of ours, since the upstream gave none.

    Of attempts that were priced, in nano-USD: price, what was to be paid; taken, what accounts paid; taken_estimated,
    what of it is an estimate; cost, what vendors ask, where that is known; unpriced, attempts of which it is not.
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
    attempts: int = 0
    price: int = 0
    taken: int = 0
    taken_estimated: int = 0
    cost: int = 0
    unpriced: int = 0

    @property
    def amounts(self) -> tuple[int, ...]:
        return tuple(int(getattr(self, name)) for name in AMOUNTS)

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


def rows_of(
    totals: Iterable[UsageTotal], by: Sequence[Grouping], names: Names, charges: Iterable[ChargeTotal] = ()
) -> tuple[Row, ...]:
    """A row for each group of either; what ended in another day than it began has its money there."""
    used = {total.group: total for total in totals}
    charged = {charge.group: charge for charge in charges}
    return tuple(_row(group, by, names, used.get(group), charged.get(group)) for group in sorted({*used, *charged}))


def sum_of(rows: Iterable[Row]) -> Row:
    sums = [sum(column) for column in zip(*((*row.counts, *row.amounts) for row in rows), strict=True)]
    return Row({}, {}, *sums)


def cells(report: Report) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the table, the total last. Counts of cached and thought tokens only where there are any."""
    shown = [name for name in COUNTS if name not in ("cache_read", "cache_write", "reasoning") or _any(report, name)]
    money = _money_shown(report.total)
    columns = [*report.by, *(name.replace("_", " ") for name in shown), *money]
    rows = [[*(_spoken(row, name) for name in report.by), *_figures(row, shown, money)] for row in report.rows]
    labels = ["total", *([""] * (len(report.by) - 1))] if report.by else []
    return columns, [*rows, [*labels, *_figures(report.total, shown, money)]]


def to_csv(report: Report) -> str:
    """A header and a line for each row, without the total; ids, with the names of keys and users beside them."""
    named = [name for name in report.by if name in ("key", "user")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*report.by, *(f"{name}_name" for name in named), *COUNTS, *AMOUNTS])
    for row in report.rows:
        groups = [printable(row.group[name]) for name in report.by]
        spoken = [printable(row.names.get(name, "")) for name in named]
        writer.writerow([*groups, *spoken, *row.counts, *row.amounts])
    return text.getvalue()


def printable(text: str) -> str:
    """Clients choose some of these names; none may move the cursor of a terminal."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def _row(
    values: tuple[str, ...],
    by: Sequence[Grouping],
    names: Names,
    used: UsageTotal | None,
    charged: ChargeTotal | None,
) -> Row:
    group: dict[str, str] = dict(zip(by, values, strict=True))
    found = {"key": names.keys.get(group.get("key", "")), "user": names.users.get(group.get("user", ""))}
    counts = [0 if used is None else int(getattr(used, name)) for name in COUNTS]
    amounts = [0 if charged is None else int(getattr(charged, name)) for name in AMOUNTS]
    return Row(group, {name: text for name, text in found.items() if text is not None}, *counts, *amounts)


def _spoken(row: Row, name: Grouping) -> str:
    return printable(row.names.get(name) or row.group[name]) or "-"


def _counts(row: Row, shown: Sequence[str]) -> list[str]:
    return [
        _share(row.estimated, row.exchanges) if name == "estimated" else f"{getattr(row, name):,}" for name in shown
    ]


_MONEY: Mapping[str, Callable[[Row], str]] = {
    "price in credits": lambda row: in_words(row.price).removesuffix(" credits"),
    "credits": lambda row: in_words(row.taken).removesuffix(" credits"),
    "USD": lambda row: in_usd(row.taken),
    "of it estimated": lambda row: _share(row.taken_estimated, row.taken),
    "vendors' USD": lambda row: in_usd(row.cost),
    "unpriced": lambda row: _share(row.unpriced, row.attempts),
}


def _money_shown(total: Row) -> list[str]:
    """Nothing where nothing was priced; the price beside what was paid where the two differ."""
    if not total.attempts:
        return []
    return [name for name in _MONEY if name != "price in credits" or total.price != total.taken]


def _figures(row: Row, shown: Sequence[str], money: Sequence[str]) -> list[str]:
    return [*_counts(row, shown), *(_MONEY[name](row) for name in money)]


def _share(part: int, whole: int) -> str:
    """In percent; never 0 % where there is one, nor 100 % where one is not."""
    if not part:
        return "-"
    share = 100 * part / whole
    return f"{share:.0f} %" if share == 100 or 1 <= share < 99 else "<1 %" if share < 1 else ">99 %"


def _any(report: Report, name: str) -> bool:
    return bool(getattr(report.total, name))
