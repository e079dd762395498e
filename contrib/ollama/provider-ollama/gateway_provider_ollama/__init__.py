"""The endpoint `ollama`: an Ollama server, spoken to in its own API."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Provider, Section, Services, Settings, hookimpl

from .endpoint import endpoint
from .section import Options


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("gateway.provider-ollama", Options),)


@hookimpl
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:
    provider = endpoint(settings, services)
    return () if provider is None else (provider,)
