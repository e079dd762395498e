"""`gateway agents`: what they are, by hand or by a file."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from gateway import GatewayError, Store
from gateway.cli.output import emit_json, fail, table

from .agent_files import Declared, as_yaml, exported, of_configuration, read_file
from .commands import COMMAND, agent_, as_json, tell, with_agents
from .drift import Difference, Drift, apply, drift, lines
from .library import Library, number_of
from .section import AgentSettings
from .shown import AgentShown, named, shown, versions_shown
from .stored import Kept, StoredAgents

if TYPE_CHECKING:
    from gateway.cli.context import Context

T = TypeVar("T")
file_ = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
MARKS = {"same": "=", "differs": "~", "not in the store": "+", "only in the store": "-"}
COLOURS = {"~": "yellow", "+": "green", "-": "red"}


def members(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say what an agent is."""
    for option in (
        click.option("--set", "set_", metavar="MEMBER=JSON", multiple=True, help="Any other member of a document."),
        click.option(
            "--parameter",
            "parameters",
            metavar="NAME=JSON",
            multiple=True,
            help="Of model_parameters; null takes it away.",
        ),
        click.option("--tool", "tools", multiple=True, help="What it may use, in place of what it might."),
        click.option("--category", help="As `it`, for lists."),
        click.option("--instructions-file", type=click.File(), help="The same out of a file; - is standard input."),
        click.option("--instructions", help="What it is told before each conversation."),
        click.option("--description", help="What lists say of it."),
        click.option("--name", help="What it is called."),
        click.option("--model", help="Of the endpoint."),
        click.option("--provider", help="The endpoint."),
    ):
        command = option(command)
    return command


@click.command()
@members
@click.option("--author", default="", help="Whose it is: a user by name, address or id. Without it nobody's.")
@click.option("--id", "agent_id", help="agent_…; one is made without it.")
@as_json
@click.pass_obj
def create(context: Context, /, author: str, agent_id: str | None, as_json: bool, **said: Any) -> None:
    """Make an agent."""
    document = _document(**said)

    async def work(store: Store, stored: StoredAgents, library: Library) -> AgentShown:
        owner = await library.author(author)
        agent = await library.create(document, owner, COMMAND, agent_id=agent_id, admin=True)
        return await shown(store, stored, Kept.of(agent))

    tell(_with_library(context, work), as_json)


@click.command()
@agent_
@members
@as_json
@click.pass_obj
def update(context: Context, /, agent: str, as_json: bool, **said: Any) -> None:
    """Change it, in part; that is a new version."""
    document = _document(**said)
    if not document:
        raise click.UsageError("Nothing to change; say what, as --name or --instructions.")

    async def work(store: Store, stored: StoredAgents, library: Library) -> AgentShown:
        if "model_parameters" in document:
            had = (await library.get(agent)).model_parameters
            now = {**had, **document["model_parameters"]}
            document["model_parameters"] = {name: value for name, value in now.items() if value is not None}
        changed, _ = await library.update(agent, document, COMMAND, admin=True)
        return await shown(store, stored, Kept.of(changed))

    tell(_with_library(context, work), as_json)


@click.command()
@agent_
@as_json
@click.pass_obj
def delete(context: Context, agent: str, as_json: bool) -> None:
    """Delete it, with its versions and with whom it is shared."""

    async def work(store: Store, stored: StoredAgents, library: Library) -> None:
        await library.delete(agent)

    _with_library(context, work)
    if as_json:
        emit_json({"id": agent})
    else:
        click.echo(f"{agent} is deleted.")


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file, mode 0600.")
@as_json
@click.pass_obj
def export(context: Context, ids: tuple[str, ...], output: Path | None, as_json: bool) -> None:
    """All of them, or these, as YAML that `apply` takes. With instructions."""

    async def work(store: Store, stored: StoredAgents, library: Library) -> list[dict[str, Any]]:
        found = [await library.get(one) for one in ids] or [agent async for agent in library.all()]
        return [exported(agent, await named(store, agent.author)) for agent in found]

    found = _with_library(context, work)
    text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n" if as_json else as_yaml(found)
    if output is None:
        click.echo(text, nl=False)
        return
    output.touch(0o600)
    output.write_text(text)
    click.echo(f"{len(found)} agents are in {output}.", err=True)


@click.command("apply")
@file_
@as_json
@click.pass_obj
def apply_(context: Context, file: Path, as_json: bool) -> None:
    """Make agents what a file says, and nothing else; others stay."""

    async def work(store: Store, stored: StoredAgents, library: Library) -> Sequence[Any]:
        return await apply(wanted, library, COMMAND)

    wanted = _read(file)
    done = _with_library(context, work)
    if as_json:
        emit_json(done)
        return
    for one in done:
        mark = {"created": "+", "updated": "~", "unchanged": "="}[one.done]
        click.secho(f"{mark} {_called(one.id, one.name)}: {one.done}, version {one.version}", fg=COLOURS.get(mark))


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--all", "all_", is_flag=True, help="What the store has besides differs, too.")
@as_json
@click.pass_obj
def diff(context: Context, file: Path | None, all_: bool, as_json: bool) -> None:
    """Where the store differs from a file, or from gateway.agents.

    With exit code 1 where it does. + is what is wanted, - what the store has.
    """

    async def work(store: Store, stored: StoredAgents, library: Library) -> list[Drift]:
        async def name(user_id: str) -> str:
            return await named(store, user_id)

        return await drift(wanted, library, name, all_=all_)

    wanted = of_configuration(context.settings().many(AgentSettings)) if file is None else _read(file)
    found = _with_library(context, work)
    if as_json:
        emit_json(found)
    else:
        for one in found:
            _tell_drift(one)
    if any(one.state != "same" for one in found):
        raise click.exceptions.Exit(1)


@click.command()
@agent_
@as_json
@click.pass_obj
def versions(context: Context, agent: str, as_json: bool) -> None:
    """What it has been, the newest first."""

    async def work(store: Store, stored: StoredAgents, library: Library) -> Any:
        return await versions_shown(store, await library.get(agent))

    found = _with_library(context, work)
    if as_json:
        emit_json(found)
        return
    rows = [
        (
            f"{one.version}{' (now)' if one.current else ''}",
            one.updated,
            one.by,
            "" if one.changed is None else ", ".join(one.changed),
        )
        for one in found
    ]
    table(f"Versions of {agent}", ("version", "made", "by", "what changed"), rows)


@click.command()
@agent_
@click.argument("version", type=int)
@as_json
@click.pass_obj
def revert(context: Context, agent: str, version: int, as_json: bool) -> None:
    """Make it what it was in a version; that is a new one."""

    async def work(store: Store, stored: StoredAgents, library: Library) -> AgentShown:
        changed, _ = await library.revert(agent, lambda one: number_of(one, version), COMMAND)
        return await shown(store, stored, Kept.of(changed))

    tell(_with_library(context, work), as_json)


COMMANDS = (create, update, delete, export, apply_, diff, versions, revert)


def _with_library(context: Context, work: Callable[[Store, StoredAgents, Library], Awaitable[T]]) -> T:
    async def with_one(store: Store, stored: StoredAgents) -> T:
        of_file = [agent.id for agent in context.settings().many(AgentSettings)]
        return await work(store, stored, Library(store, time.time, of_file))

    return with_agents(context, with_one)


def _read(file: Path) -> list[Declared]:
    try:
        return read_file(file)
    except GatewayError as error:
        fail(f"{file}: {error.public}")


def _document(
    provider: str | None,
    model: str | None,
    name: str | None,
    description: str | None,
    instructions: str | None,
    instructions_file: Any,
    category: str | None,
    tools: tuple[str, ...],
    parameters: tuple[str, ...],
    set_: tuple[str, ...],
) -> dict[str, Any]:
    if instructions_file is not None:
        if instructions is not None:
            raise click.UsageError("Name --instructions or --instructions-file, not both.")
        instructions = instructions_file.read()
    texts = {
        "provider": provider,
        "model": model,
        "name": name,
        "description": description,
        "instructions": instructions,
        "category": category,
    }
    said: dict[str, Any] = {name: text for name, text in texts.items() if text is not None}
    if tools:
        said["tools"] = list(tools)
    if parameters:
        said["model_parameters"] = dict(_pair(one) for one in parameters)
    return {**dict(_pair(one) for one in set_), **said}


def _pair(text: str) -> tuple[str, Any]:
    """`name=value`: JSON, or text where it is none."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{text!r} is no NAME=VALUE.")
    try:
        return name, msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError):
        return name, value


def _tell_drift(one: Drift) -> None:
    mark = MARKS[one.state]
    click.secho(f"{mark} {_called(one.id, one.name)}: {one.state}", fg=COLOURS.get(mark), bold=one.state != "same")
    for difference in one.differences:
        click.echo(f"    {difference.member}")
        _tell_difference(difference)
    for note in one.notes:
        click.echo(f"    ({note})")


def _tell_difference(one: Difference) -> None:
    for sign, line in lines(one):
        click.secho(f"      {sign} {line}", fg=COLOURS.get(sign))


def _called(agent_id: str, name: str) -> str:
    return f"{agent_id} ({name})" if name else agent_id
