"""LibreChat's remoteAgents role permission."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Permission, RemoteAgents, Section, Services, Settings, hookimpl

from .permission import RemoteAgentsPermission


@hookimpl
def register_sections() -> Sequence[Section]:
    return [Section("interface.remoteAgents", RemoteAgents)]


@hookimpl
def register_permissions(settings: Settings, services: Services) -> Sequence[Permission]:
    return [RemoteAgentsPermission(settings.one(RemoteAgents))]
