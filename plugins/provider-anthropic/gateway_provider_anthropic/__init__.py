"""Anthropic: its own API, what stands in for it under ANTHROPIC_REVERSE_PROXY, and its models on Vertex AI."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import AllEndpoints, Provider, Section, Services, Settings, hookimpl

from .reading import endpoint
from .section import AnthropicFields


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("endpoints.anthropic", AnthropicFields), Section("endpoints.all", AllEndpoints))


@hookimpl
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:
    provider = endpoint(settings, services)
    return () if provider is None else (provider,)
