"""Agents: presets of an endpoint, a model, instructions and parameters, under a name of their own."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import (
    AgentsInterface,
    Directory,
    Lifespan,
    RemoteAgents,
    RolePermissions,
    RouteSpec,
    Section,
    Services,
    Settings,
    hookimpl,
)

from .action_routes import action_routes
from .admin_documents import document_routes
from .admin_routes import admin_routes
from .avatar_routes import avatar_routes
from .commands import agents
from .directory import Agents
from .document_commands import COMMANDS
from .heartbeat import heartbeat
from .routes import agent_routes
from .run_routes import run_routes
from .run_settings import LibreChatAgents, RunSettings
from .section import AgentSettings
from .sharing import Sharing
from .stored import StoredAgents, follower
from .tool_agents import ToolAgents
from .tool_routes import tool_routes
from .ways import Ways


@hookimpl
def register_sections() -> Sequence[Section]:
    return (
        Section("gateway.agents[]", AgentSettings),
        Section("interface", AgentsInterface),
        Section("interface.remoteAgents", RemoteAgents),
        Section("gateway.provider-agents", RunSettings),
        Section("endpoints.agents", LibreChatAgents),
    )


@hookimpl
def register_directories(settings: Settings, services: Services) -> Sequence[Directory]:
    tools = ToolAgents.new(settings, services)
    listed = Agents(settings.many(AgentSettings), Ways(services, tools), services.clock)
    return (listed, StoredAgents.new(services, tools))


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    sharing = Sharing(services.store, RolePermissions.of(settings, services))
    path = "/api/permissions/remoteAgent/{id}"
    return (
        RouteSpec("GET", path, sharing.get, summary="Who may use an agent of the store"),
        RouteSpec("PUT", path, sharing.put, summary="Share it, or share it no more"),
        *agent_routes(settings, services),
        *action_routes(settings, services),
        *tool_routes(settings, services),
        *avatar_routes(settings, services),
        *run_routes(ToolAgents.of(settings, services).book),
        *admin_routes(services),
        *document_routes(settings, services),
    )


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    return (*follower(services), *heartbeat(services.store, ToolAgents.of(settings, services).book))


@hookimpl
def register_commands() -> Sequence[object]:
    for command in COMMANDS:
        agents.add_command(command)
    return (agents,)
