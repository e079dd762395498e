"""Which way to Anthropic's models the settings ask for."""

from __future__ import annotations

from gateway import Services, Settings, endpoint_enabled

from .endpoint import PATH, AnthropicEndpoint, AnthropicProvider
from .section import AnthropicFields
from .vertex import VertexProvider


def endpoint(settings: Settings, services: Services) -> AnthropicEndpoint | None:
    """None where nothing asks for it, or ENDPOINTS leaves it out."""
    if not endpoint_enabled(settings, "anthropic"):
        return None
    if _on_vertex(settings):
        return VertexProvider(settings, services)
    if settings.env("ANTHROPIC_API_KEY") is not None or settings.given(PATH):
        return AnthropicProvider(settings, services)
    return None


def _on_vertex(settings: Settings) -> bool:
    """A `vertex` section counts before the variable."""
    section = settings.one(AnthropicFields).vertex
    if section is not None and section.enabled:
        return True
    return (settings.env("ANTHROPIC_USE_VERTEX") or "").strip().lower() == "true"
