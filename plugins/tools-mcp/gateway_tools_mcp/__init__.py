"""MCP servers as tools of agents. What speaks to servers is imported only where one is configured."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Lifespan, RouteSpec, Section, Services, Settings, ToolSource, hookimpl

from .admin_routes import admin_routes
from .commands import mcp
from .login_routes import login_routes
from .routes import routes
from .section import ALL_PATH, OWN_PATH, SETTINGS_PATH, McpServers, McpSettings, Menu, Options


@hookimpl
def register_sections() -> Sequence[Section]:
    return (
        Section("", McpServers),
        Section(SETTINGS_PATH, McpSettings),
        Section("interface.mcpServers", Menu),
        Section(OWN_PATH, Options),
    )


@hookimpl
def register_tools(settings: Settings, services: Services) -> Sequence[ToolSource]:
    if not settings.given(ALL_PATH):
        return ()
    from .servers import Servers
    from .source import McpTools

    return (McpTools(Servers.of(settings, services)),)


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    if not settings.given(ALL_PATH):
        return ()
    from .lifespan import McpLifespan
    from .servers import Servers

    return (McpLifespan(Servers.of(settings, services)),)


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    both = settings, services
    return (*routes(*both), *login_routes(*both), *admin_routes(*both))


@hookimpl
def register_commands() -> Sequence[object]:
    return (mcp,)
