"""`gateway users`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from gateway import BadCall, Store, User
from gateway.cli.output import emit_json, table

from .administer import LONGEST_NAME, role_name
from .opened import as_json, user_of, with_store, yes
from .shown import KeyShown, UserShown, UserWhole
from .when import spoken

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
    made = with_store(context, lambda store: store.users.create(name, email, role_name(role), groups))
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

    async def work(store: Store) -> UserWhole:
        found = await user_of(store, user)
        now = time.time()
        keys = [KeyShown.of(key, found, now) for key in await store.keys.list(found.id)]
        elsewhere = await store.identities.list(found.id) if store.identities is not None else ()
        return UserWhole(UserShown.of(found), tuple(keys), tuple(elsewhere))

    found = with_store(context, work)
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

    async def work(store: Store) -> User:
        found = await user_of(store, user)
        return await store.users.update(
            found.id,
            name=None if name is None else _named(name),
            email=email,
            role=None if role is None else role_name(role),
            groups=groups if groups or no_groups else None,
        )

    changed = with_store(context, work)
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

    async def work(store: Store) -> int:
        now = time.time()
        keys = [key for key in await store.keys.list(found.id) if key.revoked is None or key.revoked > now]
        await store.users.delete(found.id)
        return len(keys)

    revoked = with_store(context, work)
    if as_json:
        emit_json({"id": found.id, "name": found.name, "revoked": revoked})
    else:
        click.echo(f"Deleted {found.name}, {found.id}; {revoked} key{'' if revoked == 1 else 's'} revoked.")


def _switch(context: Context, user: str, disabled: bool) -> User:
    async def work(store: Store) -> User:
        return await store.users.update((await user_of(store, user)).id, disabled=disabled)

    return with_store(context, work)


def _named(text: str) -> str:
    """Raises BadCall for what no list could show."""
    name = text.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadCall(f"A user's name is printable text of at most {LONGEST_NAME} characters.", param="name")
    return name


def _tell(user: User, words: str, as_json: bool) -> None:
    if as_json:
        emit_json(UserShown.of(user))
    else:
        click.echo(words)


def _row(user: User) -> tuple[str, ...]:
    state = "active" if user.disabled is None else f"disabled since {spoken(user.disabled)}"
    return (user.id, user.name, user.email, user.role, ", ".join(user.groups), spoken(user.created), state)
