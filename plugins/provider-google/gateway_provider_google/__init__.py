"""Google's Gemini: with a key of AI Studio, or on Vertex AI with a service account."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import AllEndpoints, Provider, Section, Services, Settings, hookimpl

from .reading import endpoint
from .section import GoogleFields


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("endpoints.google", GoogleFields), Section("endpoints.all", AllEndpoints))


@hookimpl
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:
    provider = endpoint(settings, services)
    return () if provider is None else (provider,)
