"""An endpoint without a network, for first steps and tests."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Provider, Section, Services, Settings, hookimpl

from .echo import Echo, Options


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("gateway.provider-echo", Options),)


@hookimpl
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:
    return (Echo(),) if settings.one(Options).enabled else ()
