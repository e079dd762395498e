"""OpenAPI actions as tools of agents. Nothing but the settings is imported where none is configured."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Lifespan, RouteSpec, Section, Services, Settings, ToolSource, hookimpl

from .index import Index, follower
from .login_routes import login_routes
from .section import PATH, ActionFields, ActionsSettings


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section(f"{PATH}[]", ActionFields), Section("actions", ActionsSettings))


@hookimpl
def register_tools(settings: Settings, services: Services) -> Sequence[ToolSource]:
    if not settings.many(ActionFields) and Index.of(services).resources is None:
        return ()
    from .tools import ActionTools

    return (ActionTools(settings, services),)


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    if not settings.many(ActionFields) and Index.of(services).resources is None:
        return ()
    return login_routes(services)


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    return follower(services)
