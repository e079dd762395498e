"""McpLifespan: connects to servers once requests are served, and ends what they need when they are not any more."""

from __future__ import annotations

from gateway import Lifespan

from .server import Server
from .servers import Servers


class McpLifespan(Lifespan):
    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._held: list[Server] = []

    async def start(self) -> None:
        """Nothing waits for a server."""
        for server in self._servers.shown():
            server.hold()
            self._held.append(server)

    async def stop(self) -> None:
        while self._held:
            await self._held.pop().release()
        await self._servers.close_added()

    def warning(self) -> str | None:
        """Those that somebody missed, or that are to be there from the beginning."""
        down = [f"{one.name}: {one.trouble}" for one in self._servers.shown() if one.trouble is not None]
        return f"MCP servers that cannot be used: {'; '.join(down)}" if down else None
