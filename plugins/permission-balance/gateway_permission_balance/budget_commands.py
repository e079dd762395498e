"""`gateway budgets`: what may be spent in a window, set while the gateway runs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from gateway.cli.output import as_json, emit_json, table
from gateway.cli.stored import with_store
from gateway.ledger import Grant
from gateway.money import in_usd, nano_of_credits, nano_of_usd, window_of

from .budget_work import Wanted, all_budgets, forget, put, start_again
from .commands import COMMAND

if TYPE_CHECKING:
    from gateway.cli.context import Context

COLUMNS = ("budget", "cap", "USD", "used", "held", "left", "resets", "set in")


def _amount(read: Callable[[str], int]) -> Callable[[click.Context, click.Parameter, str | None], int | None]:
    """Nano-USD."""

    def callback(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
        try:
            amount = None if value is None else read(value.replace("_", "").replace(",", ""))
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
        if amount is not None and amount < 0:
            raise click.BadParameter("nobody can spend less than nothing")
        return amount

    return callback


@click.group()
def budgets() -> None:
    """Budgets: list, set, remove, begin anew."""


@budgets.command("list")
@as_json
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """All budgets, of the configuration and of the store: what is used, held and left, and when it begins anew."""

    shown = with_store(context, lambda store: all_budgets(context.settings(), store))
    if as_json:
        emit_json(shown)
    elif not shown:
        click.echo("There are no budgets; gateway.budgets in the configuration makes some, or: gateway budgets set")
    else:
        table("Budgets in USD", COLUMNS, [one.row for one in shown])


@budgets.command("set")
@click.argument("who")
@click.option("--usd", callback=_amount(nano_of_usd), help="How much.")
@click.option("--credits", "credits_", callback=_amount(nano_of_credits), help="How much, in credits.")
@click.option("--per", default="none", show_default=True, help="The window: day, 30 days, month, …")
@click.option("--zone", default="UTC", show_default=True, help="The time zone in which days, weeks and months begin.")
@click.option("--soft", is_flag=True, help="Let calls through that pass it, and tell of it.")
@as_json
@click.pass_obj
def set_(
    context: Context,
    who: str,
    usd: int | None,
    credits_: int | None,
    per: str,
    zone: str,
    soft: bool,
    as_json: bool,
) -> None:
    """Let WHO spend so much in each window: organisation, group:NAME, user:NAME, key:ID, agent:ID, run:USER/NAME; key:*
    for each key its own. A new one counts from now on; one in place of another of the window's name goes on counting.
    Every worker knows within two seconds.
    """
    amount = credits_ if usd is None else usd
    if amount is None or (usd is not None and credits_ is not None):
        raise click.UsageError("say how much: either --usd or --credits")
    try:
        window = window_of(per, zone)
    except ValueError as error:
        raise click.UsageError(str(error)) from error

    asked = Wanted(who, amount, window, soft)
    shown = with_store(context, lambda store: put(context.settings(), store, asked))
    if as_json:
        emit_json(shown)
    else:
        left = "" if shown.left is None else f", of which {in_usd(shown.left)} are left"
        click.echo(f"{shown.name} is USD {in_usd(shown.amount)} now{left}.")


@budgets.command()
@click.argument("name")
@as_json
@click.pass_obj
def remove(context: Context, name: str, as_json: bool) -> None:
    """Forget the budget NAME, as it is listed. What was spent stays in the journal."""
    with_store(context, lambda store: forget(store, name))
    if as_json:
        emit_json({"removed": name})
    else:
        click.echo(f"{name} is no budget of the store any more.")


@budgets.command()
@click.argument("name")
@click.option("--reason", default="", help="Kept in the journal.")
@as_json
@click.pass_obj
def reset(context: Context, name: str, reason: str, as_json: bool) -> None:
    """Let nothing be used of the budget NAME, as it is listed, in the window that runs."""
    given = Grant(secrets.token_hex(12), "", "used", 0, reason, COMMAND)
    shown = with_store(context, lambda store: start_again(context.settings(), store, name, given))
    if as_json:
        emit_json(shown)
    else:
        click.echo(f"{shown.name} has USD {in_usd(shown.left or 0)} left.")
