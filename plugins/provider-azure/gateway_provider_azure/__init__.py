"""Azure OpenAI: the groups of endpoints.azureOpenAI, or LibreChat's older variables."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import AllEndpoints, Provider, Section, Services, Settings, hookimpl

from .endpoint import endpoint
from .section import AzureFields


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("endpoints.azureOpenAI", AzureFields), Section("endpoints.all", AllEndpoints))


@hookimpl
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:
    provider = endpoint(settings)
    return () if provider is None else (provider,)
