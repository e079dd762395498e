"""Agents: presets of an endpoint, a model, instructions and parameters, under a name of their own."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Directory, Section, Services, Settings, hookimpl

from .directory import Agents
from .section import AgentSettings


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("gateway.agents[]", AgentSettings),)


@hookimpl
def register_directories(settings: Settings, services: Services) -> Sequence[Directory]:
    return (Agents(settings.many(AgentSettings), services.endpoints, services.routes, services.catalogue),)
