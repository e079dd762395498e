"""`gateway users`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway import User
from gateway.cli.output import as_json, emit_json, table
from gateway.cli.stored import with_store

from .people import Change, change, create_user, user_of, whole
from .people import delete as remove
from .shown import UserShown
from .when import spoken
from .yes import yes

if TYPE_CHECKING:
    from gateway.cli.context import Context


@click.group()
def users() -> None:
    """Users: make, list, change, disable, delete. Every key belongs to one."""


@users.command()
@click.argument("name")
@click.option("--email", default="")
@click.option("--role", default="USER", show_default=True, help="USER, ADMIN, or one of yours.")
@click.option("--group", "groups", multiple=True, help="May be given several times.")
@as_json
@click.pass_obj
def create(context: Context, name: str, email: str, role: str, groups: tuple[str, ...], as_json: bool) -> None:
    """Make a user."""
    made = with_store(context, lambda store: create_user(store, name, email, role, groups))
    _tell(made, f"Made {made.name}, {made.role}, {made.id}.", as_json)


@users.command("list")
@as_json
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """All users, by name."""
    found = with_store(context, lambda store: store.users.list())
    if as_json:
        emit_json([UserShown.of(user) for user in found])
    elif not found:
        click.echo("There are no users; make one: gateway users create NAME")
    else:
        columns = ("id", "name", "e-mail", "role", "groups", "created", "state")
        table("Users", columns, [_row(user) for user in found])


@users.command()
@click.argument("user")
@as_json
@click.pass_obj
def show(context: Context, user: str, as_json: bool) -> None:
    """USER (name, address or id), with the keys and with what it is called elsewhere."""
    found = with_store(context, lambda store: whole(store, user))
    if as_json:
        emit_json(found)
        return
    about = found.user
    click.echo(f"{about.name}, {about.role}, {about.id}{', ' + about.email if about.email else ''}")
    click.echo(f"groups: {', '.join(about.groups) or 'none'}; made {about.created}")
    if about.disabled:
        click.echo(f"disabled since {about.disabled}")
    for one in found.identities:
        click.echo(f"{one.provider}: {one.subject}")
    if found.keys:
        rows = [(key.id, f"{key.prefix}…", key.label, key.state) for key in found.keys]
        table("API keys", ("id", "key", "label", "state"), rows)


@users.command("set")
@click.argument("user")
@click.option("--name")
@click.option("--email")
@click.option("--role", help="USER, ADMIN, or one of yours.")
@click.option("--group", "groups", multiple=True, help="In place of those there are; may be given several times.")
@click.option("--no-groups", is_flag=True, help="Take all of them away.")
@as_json
@click.pass_obj
def set_(
    context: Context,
    user: str,
    name: str | None,
    email: str | None,
    role: str | None,
    groups: tuple[str, ...],
    no_groups: bool,
    as_json: bool,
) -> None:
    """Change USER (name, address or id). What is not named stays. Running gateways follow within two seconds."""
    if groups and no_groups:
        raise click.UsageError("Say --group or --no-groups, not both.")
    if name is None and email is None and role is None and not groups and not no_groups:
        raise click.UsageError("Nothing to change; say for instance --role ADMIN.")
    asked = Change(name, email, role, groups if groups or no_groups else None)
    changed = with_store(context, lambda store: change(store, user, asked))
    _tell(changed, f"{changed.name}, {changed.role}, {changed.id}.", as_json)


@users.command()
@click.argument("user")
@as_json
@click.pass_obj
def disable(context: Context, user: str, as_json: bool) -> None:
    """Let nobody in as USER any more, by no key and no token, until `enable`. Within two seconds, in every worker."""
    changed = _switch(context, user, disabled=True)
    _tell(changed, f"{changed.name} is disabled.", as_json)


@users.command()
@click.argument("user")
@as_json
@click.pass_obj
def enable(context: Context, user: str, as_json: bool) -> None:
    """Let USER in again; keys that were not revoked work again."""
    changed = _switch(context, user, disabled=False)
    _tell(changed, f"{changed.name} is enabled.", as_json)


@users.command()
@click.argument("user")
@yes
@as_json
@click.pass_obj
def delete(context: Context, user: str, yes: bool, as_json: bool) -> None:
    """Delete USER (name, address or id) and revoke the keys.

    What was used and paid stays on record, by the id. This cannot be undone; `disable` can.
    """
    found = with_store(context, lambda store: user_of(store, user))
    if not yes:
        click.confirm(f"Delete {found.name} ({found.id})?", abort=True, err=True)
    gone = with_store(context, lambda store: remove(store, found))
    if as_json:
        emit_json(gone)
    else:
        click.echo(f"Deleted {gone.name}, {gone.id}; {gone.revoked} key{'' if gone.revoked == 1 else 's'} revoked.")


def _switch(context: Context, user: str, disabled: bool) -> User:
    return with_store(context, lambda store: change(store, user, Change(disabled=disabled)))


def _tell(user: User, words: str, as_json: bool) -> None:
    if as_json:
        emit_json(UserShown.of(user))
    else:
        click.echo(words)


def _row(user: User) -> tuple[str, ...]:
    state = "active" if user.disabled is None else f"disabled since {spoken(user.disabled)}"
    return (user.id, user.name, user.email, user.role, ", ".join(user.groups), spoken(user.created), state)
