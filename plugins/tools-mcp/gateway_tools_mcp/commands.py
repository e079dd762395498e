"""`gateway mcp`: the servers of mcpServers, their tools, and a call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from gateway import Asker
from gateway.cli.assembled import OPERATOR, assembled
from gateway.cli.output import emit_json, fail, table

if TYPE_CHECKING:
    from gateway.cli.context import Context

    from .source import McpTools

T = TypeVar("T")
ASKER = Asker(OPERATOR)
as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group()
def mcp() -> None:
    """MCP servers: whether they answer, and their tools."""


@mcp.command("list")
@as_json
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """Connect to each server and tell how it is."""
    from .shown import servers_shown

    found = _with_tools(context, lambda tools: servers_shown(tools.servers.shown(), ASKER))
    if as_json:
        emit_json(found)
        return
    rows = [
        (one.name, one.transport, one.place, one.version, "" if one.tools is None else one.tools, one.trouble or "well")
        for one in found
    ]
    table("MCP servers", ("name", "transport", "place", "version", "tools", "state"), rows)


@mcp.command()
@click.argument("server", required=False)
@as_json
@click.pass_obj
def tools(context: Context, server: str | None, as_json: bool) -> None:
    """The tools of all servers, or of one."""
    from .shown import McpToolShown

    async def work(tools: McpTools) -> list[McpToolShown]:
        if server is not None and server not in tools.servers.by_name:
            fail(f"There is no MCP server {server!r}; there are: {', '.join(tools.servers.by_name) or 'none'}.")
        return [
            McpToolShown.of(tool, name)
            for tool in await tools.listed(ASKER)
            if (name := tools.servers.names.split(tool.name).server) == (server or name)
        ]

    found = _with_tools(context, work)
    if as_json:
        emit_json(found)
        return
    rows = [(one.name, "yes" if one.read_only else "", one.description.partition("\n")[0][:80]) for one in found]
    table("Tools", ("name, as agents list it", "read-only", "what it does"), rows)


@mcp.command()
@click.argument("tool")
@click.argument("arguments", default="{}")
@as_json
@click.pass_obj
def call(context: Context, tool: str, arguments: str, as_json: bool) -> None:
    """Call a tool with ARGUMENTS, a JSON object."""
    from .shown import McpCallShown

    try:
        given: dict[str, Any] = msgspec.json.decode(arguments, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise click.UsageError(f"ARGUMENTS is no JSON object: {error}") from error

    async def work(tools: McpTools) -> McpCallShown:
        offer = await tools.offer([tool], ASKER)
        if not offer.tools:
            fail(f"{tool} cannot be called: {offer.missing.get(tool, 'it is no tool')}.")
        if len(offer.tools) > 1:
            fail(f"{tool} stands for {len(offer.tools)} tools; name one of them.")
        return McpCallShown.of(await tools.call(offer.tools[0], given, ASKER))

    found = _with_tools(context, work)
    if as_json:
        emit_json(found)
    else:
        for part in found.content:
            click.echo(part)
    if found.is_error:
        raise SystemExit(1)


def _with_tools(context: Context, work: Callable[[McpTools], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with assembled(context) as (assembly, _):
            found = next((one for one in assembly.services.tools if one.name == "tools-mcp"), None)
            if found is None:
                fail("No MCP server is configured; write one under mcpServers in librechat.yaml.")
            tools: McpTools = found  # type: ignore[assignment]  # the only one of that name
            try:
                return await work(tools)
            finally:
                await tools.servers.close()

    return context.run(opened())
