"""VertexProvider: Gemini on Vertex AI, with the access token of a service account, or of the machine's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway import Address, Extra, Outgoing, Services, Settings
from gateway.endpoint import AccessTokens, DefaultNames, Unusable
from gateway.endpoint.reading import service_key, token_source, url_name
from gateway.wire.jsontext import members

from . import machine
from .endpoint import MODELS, GoogleEndpoint, based

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
KEYS = ("GOOGLE_SERVICE_KEY_FILE", "GOOGLE_SERVICE_KEY")
LOCATIONS = ("GOOGLE_LOC", "GOOGLE_CLOUD_LOCATION")
PROJECTS = ("VERTEX_PROJECT_ID", "GOOGLE_CLOUD_PROJECT")
LOCATION = "us-central1"
WHOLE = "generateContentRequest"
COUNTED = ("contents", "systemInstruction", "tools", "generationConfig")
"""Members of its CountTokensRequest. Source: https://cloud.google.com/vertex-ai/docs/reference/rest, countTokens."""


class VertexProvider(GoogleEndpoint):
    def __init__(self, settings: Settings, services: Services) -> None:
        super().__init__(settings)
        self._names = self._names or DefaultNames.read(MODELS).names
        self._tokens: AccessTokens
        try:
            project = self._take_tokens(settings, services)
            self.set_up(settings, _address(settings, project), {})
        except Unusable as unusable:
            self.refuse(unusable)

    def _take_tokens(self, settings: Settings, services: Services) -> str:
        """Those of the account whose key is given, else of the machine itself. The key's project."""
        if not _first(settings, KEYS)[1]:
            self._tokens = machine.tokens(settings, services, self.endpoint)
            return ""
        key = service_key(*_first(settings, KEYS))
        self._tokens = token_source(services, self.endpoint, key, SCOPE)
        return key.project_id

    def counted(self, asked: Extra) -> Extra:
        """Vertex AI knows no whole request within one that counts, but has more of its members itself."""
        whole = asked.get(WHOLE)
        named = asked if whole is None else members(whole)
        return {name: value for name, value in named.items() if name in COUNTED}

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        configured = self._headers.fill(outgoing.exchange.principal)
        return {"authorization": f"Bearer {await self._tokens.token()}", **configured}

    async def models(self) -> Sequence[str]:
        return self._names


def _first(settings: Settings, variables: tuple[str, ...], default: str = "") -> tuple[str, str]:
    """The first variable that is set, and its value."""
    for variable in variables:
        if text := (settings.env(variable) or "").strip():
            return variable, text
    return variables[0], default


def _address(settings: Settings, project: str) -> Address:
    """Up to the publisher: what the dialect's path goes below."""
    location = url_name(*_first(settings, LOCATIONS, LOCATION))
    project = url_name(*_first(settings, PROJECTS, project))
    base = based(settings, f"https://{host(location)}/v1", "/v1")
    return Address(base.url(f"/projects/{project}/locations/{location}/publishers/google"))


def host(location: str) -> str:
    if location == "global":
        return "aiplatform.googleapis.com"
    if location in ("us", "eu"):
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"
