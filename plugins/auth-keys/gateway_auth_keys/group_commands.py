"""`gateway groups`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway import Group, Store
from gateway.cli.output import as_json, emit_json, table
from gateway.cli.stored import with_store

from .membership import GroupGone, all_groups, change_members, create_group, group_of, kept, refuse_unmade
from .shown import GroupShown
from .yes import yes

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
    _tell(with_store(context, lambda store: create_group(store, name, description)), as_json)


@groups.command("list")
@as_json
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """All groups by name, those that users have and nobody made included."""
    found = with_store(context, all_groups)
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
    _tell(with_store(context, lambda store: change_members(store, group, add=users)), as_json)


@groups.command()
@click.argument("group")
@who
@as_json
@click.pass_obj
def remove(context: Context, group: str, users: tuple[str, ...], as_json: bool) -> None:
    """Let each USER (name, address or id) be a member of GROUP (name or id) no more."""
    _tell(with_store(context, lambda store: change_members(store, group, remove=users)), as_json)


@groups.command()
@click.argument("group")
@yes
@as_json
@click.pass_obj
def delete(context: Context, group: str, yes: bool, as_json: bool) -> None:
    """Delete GROUP (name or id), with what was granted to it. Its members stay users."""
    found = with_store(context, lambda store: _one(store, group))
    if not yes:
        click.confirm(f"Delete the group {found.name} ({found.id})?", abort=True, err=True)
    with_store(context, lambda store: kept(store).delete(found.id))
    if as_json:
        emit_json(GroupGone(found.id, found.name))
    else:
        click.echo(f"Deleted {found.name}, {found.id}.")


async def _one(store: Store, text: str) -> Group:
    found = await group_of(store, text)
    refuse_unmade(found)
    return found


def _tell(group: GroupShown, as_json: bool) -> None:
    if as_json:
        emit_json(group)
    else:
        click.echo(f"{group.name}: {', '.join(group.members) or 'nobody'}.")
