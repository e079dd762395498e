"""endpoints.custom: any OpenAI-compatible URL."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import AllEndpoints, Provider, Section, Services, Settings, hookimpl

from .endpoint import endpoints
from .section import CustomEndpoint, Options


@hookimpl
def register_sections() -> Sequence[Section]:
    return (
        Section("endpoints.custom[]", CustomEndpoint),
        Section("endpoints.all", AllEndpoints),
        Section("gateway.provider-custom", Options),
    )


@hookimpl
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:
    return endpoints(settings, services)
