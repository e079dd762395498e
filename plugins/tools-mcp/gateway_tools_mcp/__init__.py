"""MCP servers as tools of agents. What speaks to servers is imported only where one is configured."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from gateway import Follower, Lifespan, McpInterface, RouteSpec, Section, Services, Settings, ToolSource, hookimpl

from .added import KIND, AddedServers
from .added_routes import added_routes
from .admin_routes import admin_routes
from .commands import mcp
from .login_routes import login_routes
from .routes import routes
from .section import ALL_PATH, OWN_PATH, SETTINGS_PATH, McpServers, McpSettings, Options


@hookimpl
def register_sections() -> Sequence[Section]:
    return (
        Section("", McpServers),
        Section(SETTINGS_PATH, McpSettings),
        Section("interface.mcpServers", McpInterface),
        Section(OWN_PATH, Options),
    )


@hookimpl
def register_tools(settings: Settings, services: Services) -> Sequence[ToolSource]:
    if not settings.given(ALL_PATH):
        from .later import LaterTools

        return (LaterTools(settings, services),) if AddedServers.of(services).resources is not None else ()
    from .servers import Servers
    from .source import McpTools

    return (McpTools(Servers.of(settings, services)),)


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    added = AddedServers.of(services)
    following: Sequence[Lifespan] = ()
    if added.resources is not None:
        revision = partial(added.resources.revision, KIND)
        following = (Follower("MCP servers", revision, added.load, services.log, known=added.known),)
    if not settings.given(ALL_PATH):
        from .later import LaterLifespan

        return (*following, LaterLifespan(settings, services)) if following else ()
    from .lifespan import McpLifespan
    from .servers import Servers

    return (*following, McpLifespan(Servers.of(settings, services)))


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    both = settings, services
    return (*routes(*both), *added_routes(*both), *login_routes(*both), *admin_routes(*both))


@hookimpl
def register_commands() -> Sequence[object]:
    return (mcp,)
