"""`gateway models`: what can be called, what it is able to do, and what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import click
import msgspec

from ..catalogue import Catalogue
from ..provider import ModelFacts, Provider
from .assembled import assembled, chosen
from .context import Context
from .output import emit_json, table
from .watched import Listed, Watched

COLUMNS = ("endpoint", "model", "abilities", "context", "max output", "in", "out", "prices from")


class Row(msgspec.Struct, frozen=True):
    """A model of an endpoint. facts: None where nothing is known of it."""

    endpoint: str
    model: str
    facts: ModelFacts | None


class Note(msgspec.Struct, frozen=True):
    """An endpoint that lists nothing, or not what its upstream says now."""

    endpoint: str
    reason: str


class Found(msgspec.Struct, frozen=True):
    models: list[Row]
    notes: list[Note]


@click.command()
@click.argument("text", required=False)
@click.option("--endpoint", metavar="NAME", help="Only this endpoint's.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def models(context: Context, text: str | None, endpoint: str | None, as_json: bool) -> None:
    """List the models of the endpoints.

    Those with TEXT in their names, or all: abilities, windows and prices. Prices are USD per million tokens. Endpoints
    that list their models are asked for them.
    """
    found = context.run(find(context, text or "", endpoint))
    if as_json:
        emit_json(found)
        return
    if found.models:
        table("Models (prices in USD per million tokens)", COLUMNS, [_cells(row) for row in found.models])
    else:
        click.echo("No model is listed.")
    for note in found.notes:
        click.secho(f"{note.endpoint}: {note.reason}", fg="yellow", err=True)


async def find(context: Context, text: str, endpoint: str | None) -> Found:
    async with assembled(context) as (assembly, watched):
        providers = chosen(assembly, endpoint)
        lists = await asyncio.gather(*(_list(provider, watched) for provider in providers))
        both = list(zip(providers, lists, strict=True))
        rows = [row for provider, listed in both for row in _rows(provider, listed, assembly.services.catalogue, text)]
        return Found(rows, [Note(p.endpoint, reason) for p, listed in both if (reason := _reason(p, listed))])


async def _list(provider: Provider, watched: Watched) -> Listed:
    return Listed(()) if provider.unavailable else await watched.list(provider)


def _rows(provider: Provider, listed: Listed, catalogue: Catalogue, text: str) -> list[Row]:
    names = [name for name in listed.names if text.lower() in name.lower()]
    return [Row(provider.endpoint, name, catalogue.of(provider, name)) for name in names]


def _reason(provider: Provider, listed: Listed) -> str:
    if provider.unavailable:
        return f"unavailable: {provider.unavailable}"
    if listed.trouble:
        return listed.trouble
    if not listed.names and provider.user_provides:
        return "lists its models to callers who bring a key of their own"
    return "" if listed.names else "lists no models"


def _cells(row: Row) -> Sequence[str]:
    facts = row.facts or ModelFacts()
    prices = facts.prices
    return (
        row.endpoint,
        row.model,
        ", ".join(facts.abilities),
        _count(facts.context),
        _count(facts.max_output),
        "" if prices is None else _price(prices.input),
        "" if prices is None else _price(prices.output),
        "" if prices is None else prices.source,
    )


def _count(tokens: int | None) -> str:
    return "" if tokens is None else f"{tokens:,}"


def _price(usd: float | None) -> str:
    return "" if usd is None else f"{usd:g}"
