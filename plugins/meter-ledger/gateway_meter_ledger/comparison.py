"""Comparison: an invoice beside the ledger, bucket by bucket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from gateway.ledger import ChargeTotal
from gateway.store import Grouping

from .invoice import Bucket, Invoice, plain

GROUPS: tuple[Grouping, ...] = ("day", "endpoint", "model")
"""By which the ledger is asked, in UTC."""
State = Literal["matched", "differs", "not in the ledger", "not on the invoice"]
Figures = Mapping[str, int]


class Line(Struct, frozen=True):
    """invoice, ledger: figures of what the invoice measures; None where a side has nothing. difference: the invoice's
    less the ledger's. unpriced: attempts whose vendor's price the ledger does not know.
    """

    day: str
    model: str
    state: State
    invoice: Figures | None
    ledger: Figures | None
    difference: Figures
    unpriced: int


class Comparison(Struct, frozen=True):
    """since, until: the days of the invoice, both included. tolerance: percent."""

    kind: str
    since: str
    until: str
    tolerance: float
    lines: tuple[Line, ...]
    difference: Figures

    @property
    def agrees(self) -> bool:
        return all(line.state == "matched" for line in self.lines)


class Kept(Struct, frozen=True):
    """What the ledger has of a bucket."""

    name: str
    figures: Figures
    unpriced: int


def compare(
    invoice: Invoice, totals: Iterable[ChargeTotal], tolerance: float, endpoints: Sequence[str] = ()
) -> Comparison:
    """totals: by GROUPS, of the invoice's days. tolerance: percent of the larger side, for each figure of a bucket.

    endpoints: that the invoice is for; all where none is named.
    """
    kept = _kept(totals, invoice.measures, endpoints)
    lines = tuple(_line(bucket, invoice, kept, tolerance) for bucket in sorted({*invoice.figures, *kept}))
    difference = {name: sum(line.difference[name] for line in lines) for name in invoice.measures}
    return Comparison(invoice.kind, *invoice.days, tolerance, lines, difference)


def _kept(totals: Iterable[ChargeTotal], measures: Sequence[str], endpoints: Sequence[str]) -> dict[Bucket, Kept]:
    """Without buckets in which nothing was used, as of calls that failed, or cost nothing, as by callers' own keys."""
    kept: dict[Bucket, Kept] = {}
    for total in totals:
        day, endpoint, model = total.group
        if endpoints and endpoint not in endpoints:
            continue
        figures = {name: int(getattr(total, name)) for name in measures}
        if not any(figures.values()) and not (total.unpriced and total.input + total.output):
            continue
        bucket = Bucket(day, plain(model))
        before = kept.get(bucket, Kept(model, dict.fromkeys(measures, 0), 0))
        sums = {name: before.figures[name] + figures[name] for name in measures}
        kept[bucket] = Kept(before.name, sums, before.unpriced + total.unpriced)
    return kept


def _line(bucket: Bucket, invoice: Invoice, kept: Mapping[Bucket, Kept], tolerance: float) -> Line:
    billed, ours = invoice.figures.get(bucket), kept.get(bucket)
    figures = None if ours is None else ours.figures
    nothing = dict.fromkeys(invoice.measures, 0)
    difference = {name: (billed or nothing)[name] - (figures or nothing)[name] for name in invoice.measures}
    name = ours.name if ours is not None else invoice.names[bucket.model]
    state = _state(billed, figures, tolerance)
    return Line(bucket.day, name, state, billed, figures, difference, ours.unpriced if ours is not None else 0)


def _state(billed: Figures | None, kept: Figures | None, tolerance: float) -> State:
    if kept is None:
        return "not in the ledger"
    if billed is None:
        return "not on the invoice"
    share = Decimal(str(tolerance)) / 100
    beyond = any(abs(billed[name] - kept[name]) > share * max(abs(billed[name]), abs(kept[name])) for name in billed)
    return "differs" if beyond else "matched"
