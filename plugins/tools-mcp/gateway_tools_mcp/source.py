"""McpTools: the tools of all servers, for agents."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from gateway import Asker, Ending, Finding, Offer, ServerTool, ToolOutcome, ToolSource

from .failures import Faulted, McpError
from .listing import Listing, McpTool
from .names import ALL, DELIMITER, SERVER, is_mcp
from .results import failure, outcome
from .server import SOURCE, Server
from .servers import Servers

FORBIDDEN = "who calls may not use MCP servers (interface.mcpServers.use)"


class McpTools(ToolSource):
    name = "tools-mcp"

    def __init__(self, servers: Servers) -> None:
        self.servers = servers

    def findings(self) -> Sequence[Finding]:
        return self.servers.findings

    def owns(self, wanted: str) -> bool:
        """Of two delimiters the last one counts, unless it stands in the name of a server that is here."""
        return is_mcp(wanted) or (wanted.find(DELIMITER, 1) > 0 and bool(self.servers.names.split(wanted).server))

    async def offer(self, wanted: Sequence[str], asker: Asker) -> Offer:
        if not self.servers.may(asker):
            return Offer(missing=dict.fromkeys(wanted, FORBIDDEN))
        split = {one: self.servers.names.split(one) for one in dict.fromkeys(wanted)}
        named = {name: self.servers.get(name, asker) for _, name in split.values()}
        servers = [server for server in named.values() if server is not None]
        listings = dict(zip(servers, await asyncio.gather(*(_listing(one, asker) for one in servers)), strict=True))
        tools: dict[str, ServerTool] = {}
        missing: dict[str, str] = {}
        for one, (tool, name) in split.items():
            server = named[name]
            if server is None:
                missing[one] = "there is no MCP server of this name here"
                continue
            listing = listings[server]
            if isinstance(listing, str):
                missing[one] = f"the MCP server {name} cannot be used now: {listing}"
            elif found := _chosen(listing, tool, one):
                tools.update((each.offered.name, each.offered) for each in found)
            elif tool not in (ALL, SERVER):
                missing[one] = f"the MCP server {name} has no such tool"
        used = [server for server in servers if not isinstance(listings[server], str)]
        return Offer(tuple(tools.values()), missing, _instructions(used))

    async def call(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> ToolOutcome:
        if not self.servers.may(asker):
            return failure(f"The tool cannot be used: {FORBIDDEN}.")
        name = self.servers.names.split(tool.name).server
        server = self.servers.get(name, asker)
        if server is None:
            return failure(f"The tool {tool.name} is not there any more.")
        ending: Ending = "cancelled"
        began = perf_counter()
        try:
            result = outcome(await server.call(tool, arguments, asker), self.servers.options.largest_result)
            ending = "error" if result.is_error else "ok"
        except Faulted as error:
            ending = "error"
            return failure(f"The tool failed: {error}.")
        except McpError as error:
            ending = "failed"
            return failure(f"The tool {tool.original} of the server {server.label} could not be used: {error}.")
        finally:
            self.servers.traffic.called(SOURCE, server.counted_as, ending, perf_counter() - began)
        return result

    async def listed(self, asker: Asker) -> Sequence[ServerTool]:
        if not self.servers.may(asker):
            return ()
        servers = self.servers.had_by(asker)
        found = await asyncio.gather(*(_listing(server, asker) for server in servers))
        return [tool.offered for one in found if isinstance(one, Listing) for tool in one.by_name.values()]


async def _listing(server: Server, asker: Asker) -> Listing | str:
    """Or why there is none."""
    try:
        return await server.listing(asker)
    except McpError as error:
        return str(error)


def _chosen(listing: Listing, tool: str, wanted: str) -> Sequence[McpTool]:
    """As agents may have it: as models do, or with the server's own name of it."""
    if tool == ALL:
        return tuple(listing.by_name.values())
    if wanted in listing.by_name:
        return (listing.by_name[wanted],)
    return [one for one in listing.by_name.values() if one.offered.original == tool][:1]


def _instructions(servers: Sequence[Server]) -> str:
    """Of those that say something, each under its name."""
    said = [(server.label, text) for server in servers if (text := server.instructions)]
    return "\n\n".join(f"## {label}\n\n{text.strip()}" for label, text in said if text.strip())
