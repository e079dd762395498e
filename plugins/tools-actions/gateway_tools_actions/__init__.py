"""OpenAPI actions as tools of agents. Nothing but the settings is imported where none is configured."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Section, Services, Settings, ToolSource, hookimpl

from .section import PATH, ActionFields, ActionsSettings


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section(f"{PATH}[]", ActionFields), Section("actions", ActionsSettings))


@hookimpl
def register_tools(settings: Settings, services: Services) -> Sequence[ToolSource]:
    if not settings.many(ActionFields):
        return ()
    from .source import Actions

    return (Actions.of(settings, services),)
