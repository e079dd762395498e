"""Which way to Gemini the variables ask for."""

from __future__ import annotations

from gateway import Services, Settings, endpoint_enabled

from . import machine
from .endpoint import PATH, GoogleEndpoint, StudioProvider
from .vertex import KEYS, PROJECTS, VertexProvider


def endpoint(settings: Settings, services: Services) -> GoogleEndpoint | None:
    """None where nothing asks for it, or ENDPOINTS leaves it out. As in LibreChat, a key of AI Studio counts first."""
    if not endpoint_enabled(settings, "google"):
        return None
    if settings.env("GOOGLE_KEY") is None and (_any(settings, KEYS) or _on_google_cloud(settings)):
        return VertexProvider(settings, services)
    if settings.env("GOOGLE_KEY") is not None or settings.given(PATH):
        return StudioProvider(settings, services)
    return None


def _on_google_cloud(settings: Settings) -> bool:
    """Where no key is given, a project asks for Vertex AI by the account of the machine itself. GOOGLE_CLOUD_PROJECT is
    also set for others than the gateway, so that alone turns nothing on.
    """
    asked_for = settings.env(PROJECTS[0]) or (settings.given(PATH) and _any(settings, PROJECTS))
    return bool(asked_for) and machine.is_there(settings)


def _any(settings: Settings, variables: tuple[str, ...]) -> bool:
    return any(settings.env(variable) for variable in variables)
