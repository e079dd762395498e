"""OpenAIProvider: the endpoint `openAI`, from LibreChat's variables and `endpoints.openAI`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from gateway import (
    ANONYMOUS,
    Address,
    HeaderTemplates,
    ModelList,
    Outgoing,
    Principal,
    Quirks,
    Services,
    Settings,
    Target,
    endpoint_enabled,
)
from gateway.endpoint import (
    CallerLists,
    ConfiguredProvider,
    KnownUpstreams,
    Unusable,
    brought,
    brought_address,
    listed,
)

from .reading import OFFICIAL, PATH, address_of, base_below, headers_of, key_of

UPSTREAMS = Path(__file__).with_name("upstreams.yaml")
_CHAT = re.compile(r"text-davinci-003|gpt-|o\d+|chat-latest")
_NOT_CHAT = re.compile(r"audio|realtime")


class OpenAIProvider(ConfiguredProvider):
    endpoint = "openAI"
    kind = "openAI"
    path = PATH

    def __init__(self, settings: Settings, services: Services) -> None:
        super().__init__()
        known = KnownUpstreams.read(UPSTREAMS).find(self.endpoint)
        self.dialects = known.dialects or ()
        self._quirks = known.quirks(Quirks())
        self._address: Address | None = None
        self._headers: HeaderTemplates
        self._lists: CallerLists | None = None
        self._names = listed(settings.env("OPENAI_MODELS"))
        self.open = not self._names
        try:
            self._take_address(settings)
        except Unusable as unusable:
            self.refuse(unusable)
        else:
            self._lists = None if self._names or self.user_provides else _lists(self._address, services)

    def url(self, outgoing: Outgoing) -> str:
        base = self._address or base_below(brought_address(outgoing))
        return base.url(outgoing.encoded.path, outgoing.encoded.query)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        """What is configured is not shown to a server that the caller named; as in LibreChat."""
        if self._address is None:
            brought_address(outgoing)
            return _brought_key(outgoing)
        filled = self._headers.fill(outgoing.exchange.principal)
        return {**_brought_key(outgoing), **filled} if self.user_provides else filled

    async def models(self) -> Sequence[str]:
        return await self.models_for(ANONYMOUS)

    async def models_for(self, principal: Principal) -> Sequence[str]:
        if self._lists is None or self._address is None:
            return self._names
        return await self._lists.names(self._address.url("/models"), self._headers.fill(principal))

    def target(self, model: str) -> Target:
        return msgspec.structs.replace(super().target(model), quirks=self._quirks)

    def _take_address(self, settings: Settings) -> None:
        key = key_of(settings)
        self._address = address_of(settings)
        self._headers = headers_of(settings, key)
        if self._address is None:
            self.user_provides = ("apiKey", "baseURL")
        elif key is None:
            self.user_provides = ("apiKey",)
        if self._address is None and key is not None:
            what = "callers name the address, and OPENAI_API_KEY would go there; they bring a key of theirs instead"
            self.warn(PATH, what, "set OPENAI_API_KEY to user_provided")


def endpoint(settings: Settings, services: Services) -> OpenAIProvider | None:
    """None where nothing asks for it, or ENDPOINTS leaves it out."""
    asked_for = settings.env("OPENAI_API_KEY") is not None or settings.given(PATH)
    return OpenAIProvider(settings, services) if asked_for and endpoint_enabled(settings, "openAI") else None


def _brought_key(outgoing: Outgoing) -> dict[str, str]:
    """Without a caller there is none to bring a key."""
    return {} if outgoing.user_key is None else {"authorization": f"Bearer {brought(outgoing, 'apiKey')}"}


def _lists(address: Address | None, services: Services) -> CallerLists:
    select = _chat_models if address is not None and address.verbatim == OFFICIAL else _all_models
    return CallerLists(lambda url, headers: ModelList.of(services, "openAI", url, headers, select=select))


def _chat_models(names: tuple[str, ...]) -> tuple[str, ...]:
    """OpenAI lists everything it has, embeddings and speech too. Source: LibreChat `endpoints/models.ts`."""
    return tuple(name for name in names if _CHAT.search(name) and not _NOT_CHAT.search(name))


def _all_models(names: tuple[str, ...]) -> tuple[str, ...]:
    return names
