"""OllamaProvider: where the server is, what to prove there, and which models it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from gateway import Address, ModelList, Outgoing, Secret, Services, Settings
from gateway.endpoint import ConfiguredProvider, FixedNames, Names, Unusable
from gateway.endpoint.reading import resolved

from .host import address
from .section import Options

PATH = "gateway.provider-ollama"
HOST, KEY = "OLLAMA_HOST", "OLLAMA_API_KEY"


class Listed(Struct):
    name: str


class Tags(Struct):
    models: list[Listed] | None


_TAGS = msgspec.json.Decoder(Tags)


class OllamaProvider(ConfiguredProvider):
    """open: Ollama takes `llama3` for `llama3:latest`, and knows models of its cloud that it does not list."""

    dialects = ("ollama",)
    kind = "custom"
    open = True
    path = PATH

    def __init__(self, settings: Settings, services: Services) -> None:
        super().__init__()
        options = settings.one(Options)
        self.endpoint = options.name
        self._offered: Names = FixedNames(options.models)
        self._address: Address
        self._key = Secret("")
        try:
            self._key = _key(options, settings)
            self._address = _address(options, settings)
        except Unusable as unusable:
            self.refuse(unusable)
        else:
            self._offered = self._offered if options.models else self._listing(services)

    def url(self, outgoing: Outgoing) -> str:
        return self._address.url(outgoing.encoded.path, outgoing.encoded.query)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        return self._proof()

    async def models(self) -> Sequence[str]:
        return await self._offered.names()

    def _proof(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._key.reveal()}"} if self._key else {}

    def _listing(self, services: Services) -> ModelList:
        return ModelList.of(services, self.endpoint, self._address.url("/api/tags"), self._proof(), read=names)


def endpoint(settings: Settings, services: Services) -> OllamaProvider | None:
    """None where nothing asks for it."""
    asked_for = settings.env(HOST) is not None or settings.given(PATH)
    return OllamaProvider(settings, services) if asked_for else None


def _key(options: Options, settings: Settings) -> Secret:
    """Empty where there is none. Raises Unusable."""
    where, text = (f"{PATH}.api_key", options.api_key.reveal()) if options.api_key else (KEY, settings.env(KEY) or "")
    key = resolved(settings, where, text)
    if not (key.isascii() and key.isprintable()):
        raise Unusable(where, "it has characters in it that cannot be sent", "correct it")
    return Secret(key)


def _address(options: Options, settings: Settings) -> Address:
    """Raises Unusable."""
    where, text = (f"{PATH}.url", options.url) if options.url else (HOST, settings.env(HOST) or "")
    try:
        return address(resolved(settings, where, text))
    except ValueError as error:
        raise Unusable(where, str(error), "set it as http://127.0.0.1:11434") from error


def names(body: bytes) -> list[str]:
    """Of GET /api/tags. Raises msgspec.DecodeError."""
    return [model.name for model in _TAGS.decode(body).models or ()]
