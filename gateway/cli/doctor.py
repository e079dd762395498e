"""`gateway doctor`: calls each endpoint once, whole and streamed, and says what is wrong and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from .assembled import assembled, chosen
from .context import Context
from .examine import STEPS, Check, Examined, Examiner
from .output import emit_json, fail, table

if TYPE_CHECKING:
    from rich.text import Text

COLUMNS = ("endpoint", "calls", *STEPS, "cost", "what is wrong, and what to do")
_MARKS = {"ok": ("✓", "green"), "failed": ("✗", "red"), "skipped": ("-", "dim")}


@click.command()
@click.option("--endpoint", metavar="NAME", help="Only this endpoint.")
@click.option("--model", metavar="NAME", help="Call this model; else the cheapest that is known, or the first listed.")
@click.option("--no-spend", is_flag=True, help="Call nothing: lists of models are all that is asked for.")
@click.option("--timeout", default=60.0, show_default=True, metavar="SECONDS", help="For each call.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def doctor(
    context: Context, endpoint: str | None, model: str | None, no_spend: bool, timeout: float, as_json: bool
) -> None:
    """Examine the endpoints.

    Whether each is reachable, its key accepted, the model there, a call answered whole and as a stream. Each is asked
    for a word or two, and what that costs is shown. Exit code 1 where something fails. Endpoints whose callers bring
    their own keys are left alone.
    """
    examined = context.run(_examine(context, endpoint, model, not no_spend, timeout))
    if as_json:
        emit_json([_plain(one) for one in examined])
    else:
        table("Endpoints", COLUMNS, [_cells(one) for one in examined])
        click.echo(_summary(examined))
    if any(one.failed for one in examined):
        raise click.exceptions.Exit(1)


async def _examine(
    context: Context, endpoint: str | None, model: str | None, spend: bool, patience: float
) -> list[Examined]:
    async with assembled(context) as (assembly, watched):
        providers = chosen(assembly, endpoint)
        if not providers:
            fail("There is no endpoint to examine; configure one, or install the plugin of one.")
        examiner = Examiner(assembly, watched, model, spend, patience)
        return list(await asyncio.gather(*(examiner.examine(provider) for provider in providers)))


def _cells(one: Examined) -> Sequence[object]:
    return (one.endpoint, one.model, *(_mark(one.checks[step]) for step in STEPS), _cost(one), _remark(one))


def _mark(check: Check) -> Text:
    from rich.text import Text

    mark, style = _MARKS[check.state]
    return Text(mark if check.seconds is None else f"{mark} {check.seconds:.2f} s", style)


def _cost(one: Examined) -> str:
    if not one.usage.total:
        return ""
    if one.cost is None:
        return f"{one.usage.total} tokens, no price known"
    return f"{'about ' if one.usage.estimated else ''}${one.cost:.6f}"


def _remark(one: Examined) -> str:
    wrong = "; ".join(f"{step}: {check.detail}" for step, check in one.checks.items() if check.state == "failed")
    by = f"by the proxy {one.proxy}" if one.proxy else ""
    said = f"{wrong.removesuffix('.')}. To do: {one.todo}" if wrong else one.note
    return "; ".join(filter(None, (by, said)))


def _summary(examined: Sequence[Examined]) -> str:
    spent = sum(one.cost or 0.0 for one in examined)
    failed = sum(one.failed for one in examined)
    alone = sum(bool(one.note) for one in examined)
    well = f"{len(examined) - failed - alone} of {len(examined)} endpoints are well"
    left = f", {alone} left alone" if alone else ""
    return f"{well}{left}; spent ${spent:.6f} as far as prices are known"


def _plain(one: Examined) -> dict[str, object]:
    members: dict[str, object] = msgspec.to_builtins(one)
    return {**members, "failed": one.failed}
