"""`gateway roles`: what roles may do with agents through the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from gateway import GatewayError, RemoteAgents, RemotePermissions, Store
from gateway.cli.output import emit_json, fail, table

from .said import PARTS, RoleShown, say, shown

if TYPE_CHECKING:
    from gateway.cli.context import Context

T = TypeVar("T")
as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group()
def roles() -> None:
    """Roles: what users that have them may do with agents."""


@roles.command("list")
@as_json
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """All roles: the built-in ones, those of the store, and those that users have."""
    found = _with_store(context, lambda store: shown(store, context.settings().one(RemoteAgents)))
    if as_json:
        emit_json(found)
    else:
        table("Roles and agents", ("role", *PARTS, "users"), [one.row for one in found])


@roles.command("set")
@click.argument("name")
@click.option("--use/--no-use", default=None, help="Call agents, and see and revoke one's own keys.")
@click.option("--create/--no-create", default=None, help="Make keys of one's own.")
@click.option("--share/--no-share", default=None, help="Share agents with others.")
@click.option("--public/--no-public", default=None, help="Share agents with everybody.")
@click.option("--reset", is_flag=True, help="Forget what was said before.")
@as_json
@click.pass_obj
def set_(
    context: Context,
    name: str,
    use: bool | None,
    create: bool | None,
    share: bool | None,
    public: bool | None,
    reset: bool,
    as_json: bool,
) -> None:
    """Say what NAME (USER, ADMIN, or one of yours) may do. Running gateways follow within two seconds."""
    asked = RemotePermissions(use, create, share, public)
    if asked == RemotePermissions() and not reset:
        raise click.UsageError("Nothing to change; say for instance --use or --no-create, or --reset.")
    given = context.settings().one(RemoteAgents)
    found = _with_store(context, lambda store: say(store, given, name, asked, reset))
    if as_json:
        emit_json(found)
        return
    held = [part for part in PARTS if getattr(found.granted, part)]
    click.echo(f"{found.name} may: {', '.join(held) or 'nothing'}.")
    for part in overruled(found, asked):
        click.echo(f"interface.remoteAgents.{part} in librechat.yaml says otherwise, and that holds.", err=True)


def overruled(found: RoleShown, asked: RemotePermissions) -> list[str]:
    return [part for part in PARTS if getattr(asked, part) not in (None, getattr(found.granted, part))]


def _with_store(context: Context, work: Callable[[Store], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with context.store() as store:
            return await work(store)

    try:
        return context.run(opened())
    except GatewayError as error:
        fail(error.public)
