"""`gateway budgets`: what may be spent in a window, set while the gateway runs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, get_args

import click

from gateway import Budget, Budgets, NotFound, Store
from gateway.budgets import EACH, BudgetKind
from gateway.cli.output import emit_json, table
from gateway.ledger import Grant
from gateway.money import in_usd, nano_of_credits, nano_of_usd, window_of

from .budget_shown import BudgetShown, Called, Listed, Listing, listing
from .commands import COMMAND, as_json, ledger_of, user_id, with_store

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
    """Budgets: what may be spent in a window by a key, a user, a group, an agent, a run, or everybody."""


@budgets.command("list")
@as_json
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """All budgets, of the configuration and of the store: what is used, held and left, and when it begins anew."""

    async def work(store: Store) -> list[BudgetShown]:
        found = await listing(context.settings(), store)
        return [found.shown(one, time.time()) for one in found.all(await _called(store))]

    shown = with_store(context, work)
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
    for each key its own. What was spent in the window already counts. Every worker knows within two seconds.
    """
    amount = credits_ if usd is None else usd
    if amount is None or (usd is not None and credits_ is not None):
        raise click.UsageError("say how much: either --usd or --credits")
    try:
        window = window_of(per, zone)
    except ValueError as error:
        raise click.UsageError(str(error)) from error

    async def work(store: Store) -> BudgetShown:
        budget = Budget(*await _whose(store, who), amount, window, soft)
        await _budgets_of(store).put(budget)
        found = await listing(context.settings(), store)
        return found.shown(_one(found, budget.name, await _called(store)), time.time())

    shown = with_store(context, work)
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

    async def work(store: Store) -> None:
        if not await _budgets_of(store).remove(name):
            raise NotFound(f"The store has no budget {name!r}; see: gateway budgets list (those of files stand there)")

    with_store(context, work)
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

    async def work(store: Store) -> BudgetShown:
        called = await _called(store)
        listed = _one(await listing(context.settings(), store), name, called)
        if not listed.alone:
            raise NotFound(f"{name} is what each of several has; reset theirs, as listed once they have called.")
        budget, now = listed.budget, time.time()
        grant = Grant(secrets.token_hex(12), budget.owner, "used", 0, reason, COMMAND)
        await ledger_of(store).grant(grant, budget.terms(now))
        return (await listing(context.settings(), store)).shown(listed, now)

    shown = with_store(context, work)
    if as_json:
        emit_json(shown)
    else:
        click.echo(f"{shown.name} has USD {in_usd(shown.left or 0)} left.")


async def _whose(store: Store, text: str) -> tuple[BudgetKind, str]:
    """Raises NotFound: a budget of who does not exist would bind nobody."""
    kind, _, subject = text.partition(":")
    if kind not in get_args(BudgetKind) or (kind == "organisation") == bool(subject):
        raise NotFound(
            f"{text!r} is nobody; write organisation, or group:NAME, user:NAME, key:ID, agent:ID, run:USER/NAME, or"
            " `*` in place of the name."
        )
    if subject == EACH:
        return kind, subject  # type: ignore[return-value]
    if kind == "user":
        subject = await user_id(store, subject)
    elif kind == "group" and store.groups is not None:
        found = await store.groups.find(subject)
        subject = subject if found is None else found.id
    elif kind == "key" and all(key.id != subject for key in await store.keys.list()):
        raise NotFound(f"There is no key {subject!r}; see: gateway keys list")
    elif kind == "run":
        user, _, run = subject.partition("/")
        if not run:
            raise NotFound(f"{text!r} is no run; write run:USER/NAME.")
        subject = f"{await user_id(store, user)}/{run}"
    return kind, subject  # type: ignore[return-value]


def _budgets_of(store: Store) -> Budgets:
    if store.budgets is None:
        raise NotFound(f"The store {store.name} keeps no budgets; plugins/store-sql does.")
    return store.budgets


def _one(found: Listing, name: str, called: Called) -> Listed:
    for listed in found.all(called):
        if listed.budget.name == name:
            return listed
    raise NotFound(f"There is no budget {name!r}; see: gateway budgets list")


async def _called(store: Store) -> Called:
    groups = await store.groups.list() if store.groups is not None else ()
    users = {("user", user.id): user.email for user in await store.users.list()}
    return {**users, **{("group", group.id): group.name for group in groups}}
