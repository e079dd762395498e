"""`gateway roles`: what roles may do with agents and MCP servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from gateway import RemotePermissions
from gateway.cli.output import as_json, emit_json, table
from gateway.cli.stored import with_store
from gateway.roles import Granted

from .said import OF_DOCUMENTS, PARTS, RoleShown, Saying, given_of, say, shown

if TYPE_CHECKING:
    from gateway.cli.context import Context


@click.group()
def roles() -> None:
    """Roles: what their users may do with agents and MCP servers."""


@roles.command("list")
@as_json
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """All roles: the built-in ones, those of the store, and those that users have."""
    found = with_store(context, lambda store: shown(store, given_of(context.settings())))
    if as_json:
        emit_json(found)
    else:
        documents = ("see documents", "make documents", "use MCP", "add MCP")
        table("Roles and agents", ("role", *PARTS, *documents, "users"), [one.row for one in found])


@roles.command("set")
@click.argument("name")
@click.option("--use/--no-use", default=None, help="Call agents, and see and revoke one's own keys.")
@click.option("--create/--no-create", default=None, help="Make keys of one's own.")
@click.option("--share/--no-share", default=None, help="Share agents with others.")
@click.option("--public/--no-public", default=None, help="Share agents with everybody.")
@click.option("--agents-use/--no-agents-use", default=None, help="See agents as documents.")
@click.option("--agents-create/--no-agents-create", default=None, help="Make agents.")
@click.option("--mcp-use/--no-mcp-use", default=None, help="Have tools of MCP servers.")
@click.option("--mcp-create/--no-mcp-create", default=None, help="Add MCP servers.")
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
    agents_use: bool | None,
    agents_create: bool | None,
    mcp_use: bool | None,
    mcp_create: bool | None,
    reset: bool,
    as_json: bool,
) -> None:
    """Say what NAME (USER, ADMIN, or one of yours) may do. Running gateways follow within two seconds."""
    remote, servers = RemotePermissions(use, create, share, public), RemotePermissions(mcp_use, mcp_create)
    asked = Saying(remote, RemotePermissions(agents_use, agents_create), servers)
    if asked == Saying() and not reset:
        raise click.UsageError("Nothing to change; say for instance --use or --no-create, or --reset.")
    given = given_of(context.settings())
    found = with_store(context, lambda store: say(store, given, name, asked, reset))
    if as_json:
        emit_json(found)
        return
    click.echo(f"{found.name} may: {_held(found.granted, PARTS)}.")
    if asked.agents != RemotePermissions():
        click.echo(f"With agents as documents: {_held(found.agents, OF_DOCUMENTS)}.")
    if asked.mcp_servers != RemotePermissions():
        click.echo(f"With MCP servers: {_held(found.mcp_servers, OF_DOCUMENTS)}.")
    for place in overruled(found, asked):
        click.echo(f"interface.{place} in librechat.yaml says otherwise, and that holds.", err=True)


def overruled(found: RoleShown, asked: Saying) -> list[str]:
    kinds = (
        ("remoteAgents", found.granted, asked.remote),
        ("agents", found.agents, asked.agents),
        ("mcpServers", found.mcp_servers, asked.mcp_servers),
    )
    return [
        f"{name}.{part}"
        for name, granted, said in kinds
        for part in PARTS
        if getattr(said, part) not in (None, getattr(granted, part))
    ]


def _held(granted: Granted, parts: Sequence[str]) -> str:
    return ", ".join(part for part in parts if getattr(granted, part)) or "nothing"
