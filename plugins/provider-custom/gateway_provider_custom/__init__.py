"""endpoints.custom: any URL that speaks OpenAI's or Anthropic's API."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import AllEndpoints, Provider, Section, Services, Settings, hookimpl

from .entries import endpoints
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
