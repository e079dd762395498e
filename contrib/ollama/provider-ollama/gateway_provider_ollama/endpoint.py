"""OllamaProvider: where the server is, what to prove there, and which models it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from gateway import (
    Address,
    Finding,
    HttpProvider,
    ModelList,
    Outgoing,
    Secret,
    Services,
    Settings,
    UnsetVariable,
)

from .host import address
from .section import Options

PATH = "gateway.provider-ollama"
HOST, KEY = "OLLAMA_HOST", "OLLAMA_API_KEY"


class Listed(Struct):
    name: str


class Tags(Struct):
    models: list[Listed] | None


_TAGS = msgspec.json.Decoder(Tags)


class OllamaProvider(HttpProvider):
    """open: Ollama takes `llama3` for `llama3:latest`, and knows models of its cloud that it does not list."""

    dialects = ("ollama",)
    kind = "custom"
    open = True

    def __init__(self, settings: Settings, services: Services) -> None:
        options = settings.one(Options)
        self.endpoint = options.name
        self._findings: list[Finding] = []
        self._names = options.models
        self._list: ModelList | None = None
        self._address: Address
        self._key = Secret("")
        try:
            self._key = settings.secret(options.api_key or settings.env(KEY) or "")
            self._address = address(settings.resolve(options.url or settings.env(HOST) or ""))
        except (UnsetVariable, ValueError) as error:
            self._unusable(f"{PATH}.url" if options.url else HOST, error)
        else:
            self._list = None if self._names else self._listing(services)

    def url(self, outgoing: Outgoing) -> str:
        return self._address.url(outgoing.encoded.path, outgoing.encoded.query)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        return self._proof()

    async def models(self) -> Sequence[str]:
        return self._names if self._list is None else await self._list.names()

    def findings(self) -> Sequence[Finding]:
        return self._findings

    def _proof(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._key.reveal()}"} if self._key else {}

    def _listing(self, services: Services) -> ModelList:
        parts = (services.upstream, services.clock, services.log, f"endpoint {self.endpoint}")
        return ModelList(*parts, self._address.url("/api/tags"), self._proof(), read=names)

    def _unusable(self, where: str, error: Exception) -> None:
        why = f"not set: {error}" if isinstance(error, UnsetVariable) else str(error)
        self.unavailable = f"{where}: {why}"
        self._findings.append(Finding(where, why, "set it as http://127.0.0.1:11434", "warning"))


def endpoint(settings: Settings, services: Services) -> OllamaProvider | None:
    """None where nothing asks for it."""
    asked_for = settings.env(HOST) is not None or settings.given(PATH)
    return OllamaProvider(settings, services) if asked_for else None


def names(body: bytes) -> list[str]:
    """Of GET /api/tags. Raises msgspec.DecodeError."""
    return [model.name for model in _TAGS.decode(body).models or ()]
