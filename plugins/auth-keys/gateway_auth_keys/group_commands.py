"""`gateway groups`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from gateway import Group, Groups, NotFound, Store, User
from gateway.cli.output import emit_json, table

from .opened import as_json, user_of, with_store, yes
from .shown import GroupShown

if TYPE_CHECKING:
    from gateway.cli.context import Context

who = click.argument("users", nargs=-1, required=True, metavar="USER...")


@click.group()
def groups() -> None:
    """Groups of users: make, list, fill, delete."""


@groups.command()
@click.argument("name")
@click.option("--description", default="")
@as_json
@click.pass_obj
def create(context: Context, name: str, description: str, as_json: bool) -> None:
    """Make a group. Users who have its name already are members."""

    async def work(store: Store) -> GroupShown:
        return await _shown(store, await _kept(store).create(name, description))

    _tell(with_store(context, work), as_json)


@groups.command("list")
@as_json
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """All groups by name, those that users have and nobody made included."""

    async def work(store: Store) -> list[GroupShown]:
        made = {group.name: group for group in await _kept(store).list()}
        users = await store.users.list()
        names = {name for user in users for name in user.groups}
        return [_with_members(made.get(name, Group("", name)), users) for name in sorted({*made, *names})]

    found = with_store(context, work)
    if as_json:
        emit_json(found)
    elif not found:
        click.echo("There are no groups; make one: gateway groups create NAME")
    else:
        rows = [(one.id, one.name, one.description, ", ".join(one.members)) for one in found]
        table("Groups", ("id", "name", "description", "members"), rows)


@groups.command()
@click.argument("group")
@who
@as_json
@click.pass_obj
def add(context: Context, group: str, users: tuple[str, ...], as_json: bool) -> None:
    """Make each USER (name, address or id) a member of GROUP (name or id)."""

    async def work(store: Store) -> GroupShown:
        found = await _group_of(store, group)
        for user in await _all_of(store, users):
            if found.name not in user.groups:
                await store.users.update(user.id, groups=(*user.groups, found.name))
        return await _shown(store, found)

    _tell(with_store(context, work), as_json)


@groups.command()
@click.argument("group")
@who
@as_json
@click.pass_obj
def remove(context: Context, group: str, users: tuple[str, ...], as_json: bool) -> None:
    """Let each USER (name, address or id) be a member of GROUP (name or id) no more."""

    async def work(store: Store) -> GroupShown:
        found = await _group_of(store, group)
        for user in await _all_of(store, users):
            if found.name in user.groups:
                await store.users.update(user.id, groups=[name for name in user.groups if name != found.name])
        return await _shown(store, found)

    _tell(with_store(context, work), as_json)


@groups.command()
@click.argument("group")
@yes
@as_json
@click.pass_obj
def delete(context: Context, group: str, yes: bool, as_json: bool) -> None:
    """Delete GROUP (name or id), with what was granted to it. Its members stay users."""
    found = with_store(context, lambda store: _group_of(store, group))
    if not found.id:
        raise click.UsageError(f"Nobody made the group {found.name!r}; take it from its members: gateway groups remove")
    if not yes:
        click.confirm(f"Delete the group {found.name} ({found.id})?", abort=True, err=True)
    with_store(context, lambda store: _kept(store).delete(found.id))
    if as_json:
        emit_json({"id": found.id, "name": found.name})
    else:
        click.echo(f"Deleted {found.name}, {found.id}.")


def _kept(store: Store) -> Groups:
    """Raises NotFound where the store keeps none."""
    if store.groups is None:
        raise NotFound(f"The store {store.name} keeps no groups; plugins/store-sql does.")
    return store.groups


async def _group_of(store: Store, text: str) -> Group:
    """By id or name; one that only users have has no id. Raises NotFound."""
    found = await _kept(store).get(text) or await _kept(store).find(text)
    if found is None and any(text in user.groups for user in await store.users.list()):
        return Group("", text)
    if found is None:
        raise NotFound(f"There is no group {text!r}; make it: gateway groups create NAME", param="group")
    return found


async def _all_of(store: Store, users: Iterable[str]) -> list[User]:
    """Raises NotFound before anything is changed."""
    return [await user_of(store, text) for text in users]


async def _shown(store: Store, group: Group) -> GroupShown:
    return _with_members(group, await store.users.list())


def _with_members(group: Group, users: Sequence[User]) -> GroupShown:
    members = tuple(user.name for user in users if group.name in user.groups)
    return GroupShown(group.id, group.name, group.description, members)


def _tell(group: GroupShown, as_json: bool) -> None:
    if as_json:
        emit_json(group)
    else:
        click.echo(f"{group.name}: {', '.join(group.members) or 'nobody'}.")
