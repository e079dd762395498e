"""Which way to Gemini the variables ask for."""

from __future__ import annotations

from gateway import Services, Settings, endpoint_enabled

from .endpoint import PATH, GoogleEndpoint, StudioProvider
from .vertex import KEYS, VertexProvider


def endpoint(settings: Settings, services: Services) -> GoogleEndpoint | None:
    """None where nothing asks for it, or ENDPOINTS leaves it out. As in LibreChat, a key of AI Studio counts first."""
    if not endpoint_enabled(settings, "google"):
        return None
    if settings.env("GOOGLE_KEY") is None and any(settings.env(variable) for variable in KEYS):
        return VertexProvider(settings, services)
    if settings.env("GOOGLE_KEY") is not None or settings.given(PATH):
        return StudioProvider(settings, services)
    return None
