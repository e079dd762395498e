"""OpenAI, and what stands in for it under OPENAI_REVERSE_PROXY."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import AllEndpoints, Provider, Section, Services, Settings, hookimpl

from .endpoint import endpoint
from .reading import OpenAIFields


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("endpoints.openAI", OpenAIFields), Section("endpoints.all", AllEndpoints))


@hookimpl
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:
    provider = endpoint(settings, services)
    return () if provider is None else (provider,)
