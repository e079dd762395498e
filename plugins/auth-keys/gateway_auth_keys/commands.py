"""`gateway keys`."""

from __future__ import annotations

import time
from typing import IO, TYPE_CHECKING

import click

from gateway import Key, Scopes, ServerDialect, Store, User
from gateway.cli.output import as_json, emit_json, table
from gateway.cli.stored import with_store

from .administer import Made, Wanted, create_key, import_keys, revoke_key, rotate_key
from .importing import parse
from .key_budgets import FORM, budgets_of, in_words
from .scope_checks import refuse_unknown
from .scope_options import complaining, scope_options
from .shown import KeyShown, MadeShown, RotatedShown, limits_of, state_of
from .when import Ahead, At, moment_option, span_option, spoken

if TYPE_CHECKING:
    from gateway.cli.context import Context


@click.group()
def keys() -> None:
    """API keys: make, list, revoke, rotate, import."""


@keys.command("create")
@click.option("--label", default="", help="What it is for.")
@click.option("--user", "owner", help="Its owner, by name, address or id; made if unknown. By default `admin`.")
@click.option("--role", help="Of an owner that is made: USER (the default), ADMIN, or one of yours.")
@click.option(
    "--expires",
    metavar="SPAN|TIME",
    callback=moment_option,
    help="From now on (30d, 12h), or when (2027-01-31, UTC). By default never.",
)
@scope_options
@click.option("--trusted", is_flag=True, help="Its holder names the user for whom it is used, in a header.")
@click.option(
    "--budget", "budgets", multiple=True, metavar=FORM, help="It may spend so many USD: 5/day, 100/month, 20."
)
@as_json
@click.pass_obj
def create(
    context: Context,
    label: str,
    owner: str | None,
    role: str | None,
    expires: Ahead | At | None,
    scopes: Scopes,
    trusted: bool,
    budgets: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a key and show it, once."""
    now = time.time()
    end = None if expires is None else expires.after(now)
    if end is not None and end <= now:
        raise click.BadParameter(f"{spoken(end)} is in the past, so the key would never work", param_hint="--expires")
    with complaining():
        own = budgets_of(budgets)
        if scopes.dialects:
            refuse_unknown(scopes.dialects, _dialects(context))
    wanted = Wanted(label, end, scopes, trusted, budgets=own)
    made = with_store(context, lambda store: create_key(store, wanted, owner, role))
    if as_json:
        emit_json(MadeShown.of(made))
        return
    click.echo(made.text.reveal())
    click.echo(_about(made), err=True)


@keys.command("list")
@click.option("--user", "owner", help="Only this one's, by name, address or id.")
@as_json
@click.pass_obj
def list_(context: Context, owner: str | None, as_json: bool) -> None:
    """All keys, newest first, without their text."""
    now = time.time()
    users, found = with_store(context, _users_and_keys)
    if owner is not None:
        wanted = {user.id for user in users.values() if owner in (user.id, user.name, user.email)}
        found = [key for key in found if key.user_id in wanted]
    if as_json:
        emit_json([KeyShown.of(key, users.get(key.user_id), now) for key in found])
    elif not found:
        click.echo("There are no keys; make one: gateway keys create")
    else:
        columns = ("id", "key", "label", "owner", "role", "created", "expires", "last used", "state", "limits")
        table("API keys", columns, [_row(key, users.get(key.user_id), now) for key in found])


@keys.command()
@click.argument("key", metavar="ID|PREFIX")
@click.pass_obj
def revoke(context: Context, key: str) -> None:
    """End a key now. It stops working within two seconds, in every worker."""
    found = with_store(context, lambda store: revoke_key(store, key, time.time()))
    click.echo(f"Revoked {found.id} ({found.prefix}…{_labelled(found)}).")


@keys.command()
@click.argument("key", metavar="ID|PREFIX")
@click.option(
    "--overlap",
    metavar="SPAN",
    callback=span_option,
    default="1h",
    show_default=True,
    help="How long the old key works on; 0s: not.",
)
@as_json
@click.pass_obj
def rotate(context: Context, key: str, overlap: float, as_json: bool) -> None:
    """Make a key with the same owner, label, end, scopes and budgets; the old one ends after the overlap."""
    now = time.time()
    made, old = with_store(context, lambda store: rotate_key(store, key, now, overlap))
    if as_json:
        emit_json(RotatedShown.of(made, old, now + overlap))
        return
    click.echo(made.text.reveal())
    click.echo(_about(made), err=True)
    click.echo(f"The old key {old.id} ({old.prefix}…) works until {spoken(now + overlap)}.", err=True)


@keys.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--user", "owner", help="Owner of all of them; by default each LibreChat user becomes one, by its id.")
@click.option("--role", default="USER", show_default=True, help="Of users that are made.")
@click.pass_obj
def import_(context: Context, file: IO[bytes], owner: str | None, role: str) -> None:
    """Take over LibreChat's keys from FILE (mongoexport of `agentapikeys`; - for stdin): they go on working."""

    done = with_store(context, lambda store: import_keys(store, parse(file.read()), owner, role, time.time()))
    click.echo(
        f"{done.new} keys imported, {done.known} were there already, {done.expired} had expired; "
        f"{done.users} users made."
    )


def _dialects(context: Context) -> list[str]:
    """Those that clients may speak here."""
    found = context.registry.collect("register_dialects", settings=context.settings())
    return sorted(one.name for one in found if isinstance(one, ServerDialect))


async def _users_and_keys(store: Store) -> tuple[dict[str, User], list[Key]]:
    return {user.id: user for user in await store.users.list()}, list(await store.keys.list())


def _row(key: Key, owner: User | None, now: float) -> tuple[str, ...]:
    name, role = (owner.name, owner.role) if owner else ("", "")
    times = (spoken(key.created), spoken(key.expires) or "never", spoken(key.last_used) or "never")
    return (key.id, f"{key.prefix}…", key.label, name, role, *times, state_of(key, now, owner), limits_of(key))


def _about(made: Made) -> str:
    """What stands on stderr beside the key, so that stdout is the key alone."""
    key = made.key
    maker = f"{made.user.name} ({made.user.role}{', made now' if made.new_user else ''})"
    end = f", works until {spoken(key.expires)}" if key.expires is not None else ""
    limits = f" Limits: {limits_of(key)}." if limits_of(key) else ""
    budgets = f" Budgets: {in_words(made.budgets)}." if made.budgets else ""
    return f"This is shown once. Id {key.id}{_labelled(key)}, owner {maker}{end}.{limits}{budgets}"


def _labelled(key: Key) -> str:
    return f", {key.label!r}" if key.label else ""
