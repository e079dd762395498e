"""/api/admin/mcp: what `gateway mcp` does. What it needs of the plugin is imported with the first request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from gateway import Asker, BadCall, NotFound, RouteSpec, Services, Settings
from gateway.admin import Asking, Listed, Nothing, changing, reading

from .shown import McpCallShown, McpServerShown, McpToolShown, servers_shown

if TYPE_CHECKING:
    from .source import McpTools


class McpToolsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """server: of one alone."""

    server: str = ""


class McpCallAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """tool: as agents list it. arguments: by its schema."""

    tool: str
    arguments: dict[str, Any] = {}


class McpAdmin:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._settings, self._services = settings, services

    async def servers(self, asking: Asking[Nothing, None]) -> Listed[McpServerShown]:
        return Listed(await servers_shown(self._tools().servers.shown(), Asker(asking.principal)))

    async def tools(self, asking: Asking[McpToolsAsked, None]) -> Listed[McpToolShown]:
        tools, wanted = self._tools(), asking.query.server
        if wanted and wanted not in tools.servers.by_name:
            raise NotFound(f"There is no MCP server {wanted!r} in mcpServers.", param="server")
        found = await tools.listed(Asker(asking.principal))
        named = [McpToolShown.of(tool, tools.servers.names.split(tool.name).server) for tool in found]
        return Listed([tool for tool in named if not wanted or tool.server == wanted])

    async def call(self, asking: Asking[Nothing, McpCallAsked]) -> McpCallShown:
        tools, asker, wanted = self._tools(), Asker(asking.principal), asking.body.tool
        if not tools.owns(wanted):
            raise BadCall("This is no tool of an MCP server; write it as `<tool>_mcp_<server>`.", param="tool")
        offer = await tools.offer([wanted], asker)
        if len(offer.tools) != 1:
            why = offer.missing.get(wanted, f"it stands for {len(offer.tools)} tools")
            raise NotFound(f"The tool cannot be called: {why}.", param="tool")
        return McpCallShown.of(await tools.call(offer.tools[0], asking.body.arguments, asker))

    def _tools(self) -> McpTools:
        from .servers import Servers
        from .source import McpTools

        return McpTools(Servers.of(self._settings, self._services))


def admin_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    admin = McpAdmin(settings, services)
    one = Listed[McpToolShown]
    return [
        reading("/mcp", admin.servers, "MCP servers, and whether they answer", Nothing, Listed[McpServerShown]),
        reading("/mcp/tools", admin.tools, "Tools of all MCP servers, or of one", McpToolsAsked, one),
        changing("POST", "/mcp/call", admin.call, "Call a tool of an MCP server", McpCallAsked, McpCallShown),
    ]
