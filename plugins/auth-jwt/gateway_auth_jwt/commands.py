"""`gateway logins`: what an operator does for users who cannot log in."""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from gateway import BadCall, Secret, Store, User
from gateway.cli.output import as_json, emit_json, fail
from gateway.cli.stored import with_store
from gateway.logins import Logins

from .restored import fit, found, generated, give_password, how
from .settings import AuthJwt

if TYPE_CHECKING:
    from gateway.cli.context import Context

T = TypeVar("T")


@click.group()
def logins() -> None:
    """How users log in: passwords, second factors, sessions."""


@logins.command()
@click.argument("name", metavar="NAME|ADDRESS|ID")
@as_json
@click.pass_obj
def show(context: Context, name: str, as_json: bool) -> None:
    """How somebody logs in; no secrets."""
    shown = _for(context, name, how)
    if as_json:
        emit_json(shown)
        return
    factor = f"asked for, {shown.backup_codes} backup codes left" if shown.two_factor else "none"
    address = "verified" if shown.verified else "not verified"
    click.echo(f"{shown.user} ({shown.id}): password {shown.password or 'none'}; address {address}; 2FA {factor}.")


@logins.command()
@click.argument("name", metavar="NAME|ADDRESS|ID")
@click.option("--generate", is_flag=True, help="Make one and show it, once.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read it from standard input, up to the end of its line.")
@click.pass_obj
def password(context: Context, name: str, generate: bool, from_stdin: bool) -> None:
    """Set a password. The user's sessions end, and the address counts as verified."""
    from .passwords import Hasher

    text = _password(generate, from_stdin)
    hasher = Hasher(context.settings().one(AuthJwt))

    async def work(kept: Logins, user: User) -> User:
        await give_password(kept, user, await hasher.hash(Secret(text)), time.time())
        return user

    try:
        user = _for(context, name, work)
    finally:
        hasher.close()
    if generate:
        click.echo(text)
    click.echo(f"{user.name} has a new password and is logged out everywhere.", err=True)
    if not user.email:
        click.echo("There is no address to log in with; set one: gateway users set", err=True)


@logins.command("reset-2fa")
@click.argument("name", metavar="NAME|ADDRESS|ID")
@click.pass_obj
def reset_2fa(context: Context, name: str) -> None:
    """Take a lost second factor away, with its backup codes."""

    async def work(kept: Logins, user: User) -> tuple[User, bool]:
        return user, await kept.drop_second_factor(user.id)

    user, had = _for(context, name, work)
    click.echo(f"{user.name} logs in without a second factor." if had else f"{user.name} has no second factor.")


@logins.command()
@click.argument("name", metavar="NAME|ADDRESS|ID")
@click.pass_obj
def end(context: Context, name: str) -> None:
    """Log somebody out everywhere, within two seconds."""

    async def work(kept: Logins, user: User) -> tuple[User, int]:
        return user, await kept.end_all(user.id)

    user, count = _for(context, name, work)
    click.echo(f"Ended {count} session{'' if count == 1 else 's'} of {user.name}.")


def _password(generate: bool, from_stdin: bool) -> str:
    if generate:
        return generated()
    if from_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
    else:
        text = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        return fit(text)
    except BadCall as error:
        fail(error.public)


def _for(context: Context, name: str, work: Callable[[Logins, User], Awaitable[T]]) -> T:
    async def opened(store: Store) -> T:
        return await work(*await found(store, name))

    return with_store(context, opened)
