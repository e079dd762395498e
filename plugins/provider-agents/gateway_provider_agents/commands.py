"""`gateway agents`: those of the store, and who may use them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from gateway import GatewayError, NotFound, Store
from gateway.cli.assembled import assembled
from gateway.cli.output import emit_json, fail, table
from gateway.identity import REMOTE_AGENT, VIEW

from .sharing import ROLES
from .shown import AgentShown, given, grants_of, shown
from .stored import Kept, StoredAgents

if TYPE_CHECKING:
    from gateway.cli.context import Context

T = TypeVar("T")
Work = Callable[[Store, StoredAgents], Awaitable[T]]
COMMAND = "command line"
as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")
agent_ = click.argument("agent", metavar="ID")


def whom(command: Callable[..., None]) -> Callable[..., None]:
    """The options that name principals."""
    for option in (
        click.option("--public", is_flag=True, help="Everybody who may use agents."),
        click.option("--role", "roles", multiple=True, help="Whoever has this role."),
        click.option("--group", "groups", multiple=True, help="Members of this group, by name or id."),
        click.option("--user", "users", multiple=True, help="By name, address or id."),
    ):
        command = option(command)
    return command


@click.group()
def agents() -> None:
    """Agents of the store: what they are, and who may use them."""


@agents.command("list")
@as_json
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """All of them by id, those that cannot be called with the reason."""

    async def work(store: Store, stored: StoredAgents) -> list[AgentShown]:
        return [await shown(store, stored, kept) for kept in stored.all()]

    found = with_agents(context, work)
    if as_json:
        emit_json(found)
    elif not found:
        click.echo("There are no agents in the store. Those of gateway.agents are listed by: gateway check")
    else:
        rows = [
            (one.id, one.name, f"{one.provider}/{one.model}", one.author, one.whom, one.unavailable or "yes")
            for one in found
        ]
        table("Agents of the store", ("id", "name", "model", "author", "shared with", "can be called"), rows)


@agents.command()
@agent_
@as_json
@click.pass_obj
def show(context: Context, agent: str, as_json: bool) -> None:
    """One agent, without its instructions."""
    found = with_agents(context, lambda store, stored: shown(store, stored, _one(stored, agent)))
    tell(found, as_json)


@agents.command()
@agent_
@whom
@click.option(
    "--as",
    "access",
    type=click.Choice(["viewer", "editor", "owner"]),
    default="viewer",
    show_default=True,
    help="What they may do: use it; change it, too; all of it, sharing included.",
)
@as_json
@click.pass_obj
def share(
    context: Context,
    agent: str,
    users: tuple[str, ...],
    groups: tuple[str, ...],
    roles: tuple[str, ...],
    public: bool,
    access: str,
    as_json: bool,
) -> None:
    """Let others use the agent. Running gateways follow within two seconds."""
    named = _named(users, groups, roles, public)
    bits = ROLES[f"{REMOTE_AGENT}_{access}"]

    async def work(store: Store, stored: StoredAgents) -> AgentShown:
        kept = _one(stored, agent)
        await grants_of(store).change([await given(store, agent, kind, text, bits, COMMAND) for kind, text in named])
        return await shown(store, stored, kept)

    tell(with_agents(context, work), as_json)


@agents.command()
@agent_
@whom
@as_json
@click.pass_obj
def unshare(
    context: Context,
    agent: str,
    users: tuple[str, ...],
    groups: tuple[str, ...],
    roles: tuple[str, ...],
    public: bool,
    as_json: bool,
) -> None:
    """Take from others what was given to them. Its author keeps it."""
    named = _named(users, groups, roles, public)

    async def work(store: Store, stored: StoredAgents) -> AgentShown:
        kept = _one(stored, agent)
        await grants_of(store).change(
            removed=[await given(store, agent, kind, text, VIEW, COMMAND) for kind, text in named]
        )
        return await shown(store, stored, kept)

    tell(with_agents(context, work), as_json)


def _named(
    users: tuple[str, ...], groups: tuple[str, ...], roles: tuple[str, ...], public: bool
) -> list[tuple[str, str]]:
    named = [("user", text) for text in users] + [("group", text) for text in groups]
    named += [("role", text) for text in roles] + ([("public", "")] if public else [])
    if not named:
        raise click.UsageError("Nobody is named; say --user, --group, --role or --public.")
    return named


def _one(stored: StoredAgents, agent: str) -> Kept:
    """Raises NotFound."""
    found = next((kept for kept in stored.all() if kept.agent.id == agent), None)
    if found is None:
        raise NotFound(f"There is no agent {agent!r} in the store; see: gateway agents list", param="agent")
    return found


def tell(found: AgentShown, as_json: bool) -> None:
    if as_json:
        emit_json(found)
        return
    click.echo(f"{found.id}{', ' + found.name if found.name else ''}: {found.provider}/{found.model}")
    click.echo(f"author {found.author or 'nobody'}; shared with {found.whom}")
    if found.unavailable:
        click.echo(f"cannot be called: {found.unavailable}")
    for note in found.notes:
        click.echo(note)


def with_agents(context: Context, work: Work[T]) -> T:
    async def opened() -> T:
        async with assembled(context) as (assembly, _):
            store = assembly.services.store
            if store is None:
                raise NotFound("There is no store here; install plugins/store-sql.")
            await store.open()
            try:
                stored = StoredAgents(assembly.services)
                await stored.load(store)
                return await work(store, stored)
            finally:
                await store.close()

    try:
        return context.run(opened())
    except GatewayError as error:
        fail(error.public)
