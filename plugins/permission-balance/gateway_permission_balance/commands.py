"""`gateway balance` and `gateway audit`."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from gateway import Ledger, NotFound, Store, Terms
from gateway.cli.output import as_json, emit_json, table
from gateway.cli.stored import with_store
from gateway.ledger import Grant
from gateway.money import in_usd, in_words, nano_of_credits, terms_of

from .shown import USER, AccountShown, names_of

if TYPE_CHECKING:
    from gateway.cli.context import Context

COMMAND = "command line"
OPERATOR = "operator"
"""Who calls with the key in GATEWAY_API_KEY, and is not among the store's users."""


def amount_of(ctx: click.Context, param: click.Parameter, value: str) -> int:
    """Nano-USD."""
    try:
        return positive(value.replace("_", "").replace(",", ""))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def positive(amount: str | float) -> int:
    """Nano-USD of credits. Raises ValueError, with what is wrong."""
    nano = nano_of_credits(amount)
    if nano < 0:
        raise ValueError("an account is given something, or set to something; write a number of credits")
    return nano


credits_ = click.argument("credits_", metavar="CREDITS", callback=amount_of)
key_ = click.option("--key", help="A name for this grant: whoever repeats it with the same name repeats nothing.")
reason_ = click.option("--reason", default="", help="Kept in the journal.")


class Given(NamedTuple):
    """amount: nano-USD. key: whoever repeats it means the same grant."""

    kind: Literal["add", "set"]
    amount: int
    reason: str
    key: str
    actor: str


@click.group()
def balance() -> None:
    """Balances of users, in credits: a million of them are a USD."""


@balance.command("list")
@as_json
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """All accounts, and what is available, held, spent and granted."""

    async def work(store: Store) -> list[AccountShown]:
        names = await names_of(store)
        return [AccountShown.of(account, names) for account in await ledger_of(store).accounts(USER)]

    found = with_store(context, work)
    if as_json:
        emit_json(found)
    elif not found:
        click.echo("There are no accounts yet; a user's first call opens one, or: gateway balance add USER CREDITS")
    else:
        table("Balances in credits", ("owner", "available", "held", "spent", "granted"), [one.row for one in found])


@balance.command()
@click.argument("user")
@credits_
@reason_
@key_
@as_json
@click.pass_obj
def add(context: Context, user: str, credits_: int, reason: str, key: str | None, as_json: bool) -> None:
    """Give USER (name, address or id) so many CREDITS. The next call of theirs can spend them, in every worker."""
    _grant(context, user, "add", credits_, reason, key, as_json)


@balance.command("set")
@click.argument("user")
@credits_
@reason_
@key_
@as_json
@click.pass_obj
def set_(context: Context, user: str, credits_: int, reason: str, key: str | None, as_json: bool) -> None:
    """Let USER have so many CREDITS available, whatever they had. What is held for calls that run is not touched."""
    _grant(context, user, "set", credits_, reason, key, as_json)


@click.command()
@as_json
@click.pass_obj
def audit(context: Context, as_json: bool) -> None:
    """Derive every balance again from the journal.

    A call that counts against several budgets is spent on each. Exit code 1 where anything does not add up.
    """
    found = with_store(context, lambda store: ledger_of(store).audit(time.time()))
    if as_json:
        emit_json(found)
    else:
        for one in found.discrepancies:
            click.echo(f"{one.where}: {one.what}")
        wrong = f"{len(found.discrepancies)} do not add up" if found.discrepancies else "all of it adds up"
        click.echo(
            f"{found.accounts} accounts, {found.movements} movements of {found.entries} entries, {found.holds} holds,"
            f" {found.settlements} settlements: {wrong}."
        )
        if found.spent:
            told = ", ".join(f"{kind} USD {in_usd(nano)}" for kind, nano in sorted(found.spent.items()))
            click.echo(f"Spent, by the kind of account: {told}.")
    if found.discrepancies:
        raise click.exceptions.Exit(1)


def _grant(
    context: Context, user: str, kind: Literal["add", "set"], amount: int, reason: str, key: str | None, as_json: bool
) -> None:
    terms = terms_of(context.settings()) or Terms()

    asked = Given(kind, amount, reason, key or secrets.token_hex(12), COMMAND)
    shown = with_store(context, lambda store: give(store, terms, user, asked))
    if as_json:
        emit_json(shown)
    else:
        click.echo(f"{shown.name or shown.user} has {in_words(shown.available)} now.")


async def give(store: Store, terms: Terms, user: str, asked: Given) -> AccountShown:
    """The account afterwards. terms: by which it is opened where it is new. Raises NotFound, Conflict, BadCall."""
    owner = USER + await user_id(store, user)
    grant = Grant(asked.key, owner, asked.kind, asked.amount, asked.reason, asked.actor)
    return AccountShown.of(await ledger_of(store).grant(grant, terms), await names_of(store))


async def user_id(store: Store, text: str) -> str:
    """Raises NotFound: money for who does not exist would be lost."""
    found = await store.users.find(text) or await store.users.get(text)
    if found is not None:
        return found.id
    if text == OPERATOR or any(account.owner == USER + text for account in await ledger_of(store).accounts(USER)):
        return text
    raise NotFound(f"There is no user {text!r}; see: gateway users list", param="user")


def ledger_of(store: Store) -> Ledger:
    """Raises NotFound where the store keeps none."""
    if store.ledger is None:
        raise NotFound(f"The store {store.name} keeps no ledger; plugins/store-sql does.")
    return store.ledger
