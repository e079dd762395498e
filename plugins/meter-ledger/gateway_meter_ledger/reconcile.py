"""`gateway reconcile`: a provider's invoice against the ledger."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway import GatewayError, NotFound, Store
from gateway.cli.output import as_json, emit_json, fail, table
from gateway.cli.stored import with_store
from gateway.money import in_usd

from .comparison import GROUPS, Comparison, Figures, compare
from .invoice import Invoice, read_invoice
from .report import printable

if TYPE_CHECKING:
    from gateway.cli.context import Context

DAY = 86_400


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--endpoint", "endpoints", multiple=True, help="That the invoice is for, as openAI; again for more.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 100),
    default=1.0,
    show_default=True,
    help="Percent by which a day's figures of a model may differ.",
)
@as_json
@click.pass_obj
def reconcile(context: Context, file: Path, endpoints: tuple[str, ...], tolerance: float, as_json: bool) -> None:
    """Compare an exported invoice or usage FILE with the ledger.

    The file is a CSV of OpenAI or Anthropic; they are compared by day and model. Exit code 1 where they differ by more
    than the tolerance, or one side lacks what the other has.
    """
    try:
        invoice = read_invoice(_text(file))
    except GatewayError as error:
        fail(error.public)
    found = with_store(context, lambda store: compared(store, invoice, tolerance, endpoints))
    if as_json:
        emit_json(found)
    else:
        _print(found)
    if not found.agrees:
        raise click.exceptions.Exit(1)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read as text: {error}")


async def compared(store: Store, invoice: Invoice, tolerance: float, endpoints: tuple[str, ...]) -> Comparison:
    """Raises NotFound where the store keeps no ledger."""
    if store.ledger is None:
        raise NotFound(f"The store {store.name} keeps no ledger; plugins/store-sql does.")
    first, last = (datetime.datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp() for day in invoice.days)
    return compare(invoice, await store.ledger.totals(GROUPS, first, last + DAY), tolerance, endpoints)


def _print(found: Comparison) -> None:
    measures = tuple(found.difference)
    columns = ["day", "model", "", *(f"{name.replace('_', ' ')}: invoice, ledger, difference" for name in measures)]
    rows = [
        [line.day, printable(line.model), line.state, *(_cell(line.invoice, line.ledger, name) for name in measures)]
        for line in found.lines
    ]
    if rows:
        table(f"{found.kind}, {found.since} to {found.until}, days of UTC", columns, rows)
    unlike = sum(line.state != "matched" for line in found.lines)
    differs = ", ".join(f"{_spoken(name, found.difference[name])} of {name.replace('_', ' ')}" for name in measures)
    click.echo(
        f"{len(found.lines) - unlike} matched, {unlike} did not; the invoice has {differs} more than the ledger."
    )


def _cell(invoice: Figures | None, ledger: Figures | None, name: str) -> str:
    sides = [0 if side is None else side[name] for side in (invoice, ledger)]
    told = ["-" if side is None else _spoken(name, side[name]) for side in (invoice, ledger)]
    return ", ".join([*told, _spoken(name, sides[0] - sides[1])])


def _spoken(name: str, figure: int) -> str:
    return f"{in_usd(figure)} USD" if name == "cost" else f"{figure:,}"
