"""Where the file has no MCP servers: what is needed for those that users add, imported once somebody asks for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gateway import Asker, Lifespan, Offer, ServerTool, Services, Settings, ToolOutcome, ToolSource

from .added import AddedServers
from .names import is_mcp

if TYPE_CHECKING:
    from .servers import Servers
    from .source import McpTools


class LaterTools(ToolSource):
    name = "tools-mcp"

    def __init__(self, settings: Settings, services: Services) -> None:
        self._settings, self._services = settings, services
        self._made: McpTools | None = None

    @property
    def servers(self) -> Servers:
        return self._tools().servers

    def owns(self, wanted: str) -> bool:
        return is_mcp(wanted)

    async def offer(self, wanted: Sequence[str], asker: Asker) -> Offer:
        return await self._tools().offer(wanted, asker)

    async def call(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> ToolOutcome:
        return await self._tools().call(tool, arguments, asker)

    async def listed(self, asker: Asker) -> Sequence[ServerTool]:
        return await self._tools().listed(asker)

    def _tools(self) -> McpTools:
        """The same until its configuration ends, whichever serves by then."""
        if self._made is None:
            from .servers import Servers
            from .source import McpTools

            self._made = McpTools(Servers.of(self._settings, self._services))
        return self._made


class LaterLifespan(Lifespan):
    """Ends this configuration's connections to them."""

    def __init__(self, settings: Settings, services: Services) -> None:
        self._settings, self._services = settings, services

    async def start(self) -> None:
        """Nothing is connected to before it is needed."""

    async def stop(self) -> None:
        for watcher in list(AddedServers.of(self._services).watchers):
            if watcher.settings is self._settings:
                await watcher.close_added()
