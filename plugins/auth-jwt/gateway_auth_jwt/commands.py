"""`gateway logins`: what an operator does for users who cannot log in."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click
import msgspec

from gateway import GatewayError, NotFound, Secret, Store, Unavailable, User
from gateway.cli.output import emit_json, fail
from gateway.logins import Login, Logins

from .policy import LONGEST_PASSWORD
from .settings import AuthJwt

if TYPE_CHECKING:
    from gateway.cli.context import Context

T = TypeVar("T")
SHORTEST = 8


class Shown(msgspec.Struct, frozen=True):
    """password: what its hash is, "" for none."""

    user: str
    id: str
    password: str
    verified: bool
    two_factor: bool
    backup_codes: int


@click.group()
def logins() -> None:
    """How users log in: passwords, second factors, sessions."""


@logins.command()
@click.argument("name", metavar="NAME|ADDRESS|ID")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def show(context: Context, name: str, as_json: bool) -> None:
    """How somebody logs in; no secrets."""

    from .passwords import kind

    async def work(store: Store, kept: Logins, user: User) -> Shown:
        login = await kept.get(user.id) or Login(user.id)
        return Shown(user.name, user.id, kind(login.password), login.verified, login.two_factor, len(login.codes))

    shown = _for(context, name, work)
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

    async def work(store: Store, kept: Logins, user: User) -> User:
        hashed = await hasher.hash(Secret(text))
        login = await kept.get(user.id) or Login(user.id)
        if not login.verified:
            await kept.put(msgspec.structs.replace(login, verified=True))
        await kept.set_password(user.id, hashed, time.time())
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

    async def work(store: Store, kept: Logins, user: User) -> tuple[User, bool]:
        return user, await kept.drop_second_factor(user.id)

    user, found = _for(context, name, work)
    click.echo(f"{user.name} logs in without a second factor." if found else f"{user.name} has no second factor.")


@logins.command()
@click.argument("name", metavar="NAME|ADDRESS|ID")
@click.pass_obj
def end(context: Context, name: str) -> None:
    """Log somebody out everywhere, within two seconds."""

    async def work(store: Store, kept: Logins, user: User) -> tuple[User, int]:
        return user, await kept.end_all(user.id)

    user, count = _for(context, name, work)
    click.echo(f"Ended {count} session{'' if count == 1 else 's'} of {user.name}.")


def _password(generate: bool, from_stdin: bool) -> str:
    if generate:
        return secrets.token_urlsafe(15)
    if from_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
    else:
        text = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if not SHORTEST <= len(text) <= LONGEST_PASSWORD or not text.strip():
        fail(f"A password has {SHORTEST} to {LONGEST_PASSWORD} characters, and not only spaces.")
    return text


def _for(context: Context, name: str, work: Callable[[Store, Logins, User], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with context.store() as store:
            if store.logins is None:
                raise Unavailable(f"The store {store.name} keeps no logins; use plugins/store-sql.")
            user = await store.users.find(name) or await store.users.get(name)
            if user is None:
                raise NotFound(f"Nobody has the name, address or id {name!r}; see: gateway users list")
            return await work(store, store.logins, user)

    try:
        return context.run(opened())
    except GatewayError as error:
        fail(error.public)
