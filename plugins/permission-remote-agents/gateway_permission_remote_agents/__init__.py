"""LibreChat's role permissions: what users may do with agents and MCP servers."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import (
    AgentsInterface,
    McpInterface,
    Permission,
    RemoteAgents,
    RolePermissions,
    RouteSpec,
    Section,
    Services,
    Settings,
    hookimpl,
)

from .admin_routes import admin_routes
from .commands import roles
from .permission import RemoteAgentsPermission
from .role_routes import RoleRoutes


@hookimpl
def register_sections() -> Sequence[Section]:
    return [
        Section("interface.remoteAgents", RemoteAgents),
        Section("interface", AgentsInterface),
        Section("interface.mcpServers", McpInterface),
    ]


@hookimpl
def register_permissions(settings: Settings, services: Services) -> Sequence[Permission]:
    return [RemoteAgentsPermission(RolePermissions.of(settings, services))]


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    kept = services.store.roles if services.store is not None else None
    routes = RoleRoutes(kept, RolePermissions.of(settings, services))
    return [
        RouteSpec("GET", "/api/roles/{name}", routes.get, summary="What a role may do with agents"),
        RouteSpec("PUT", "/api/roles/{name}/remote-agents", routes.put, "admin", "Change it, in part"),
        RouteSpec("PUT", "/api/roles/{name}/agents", routes.put_agents, "admin", "The same of agents as documents"),
        RouteSpec("PUT", "/api/roles/{name}/mcp-servers", routes.put_mcp_servers, "admin", "The same of MCP servers"),
        *admin_routes(settings, services),
    ]


@hookimpl
def register_commands() -> Sequence[object]:
    return [roles]
