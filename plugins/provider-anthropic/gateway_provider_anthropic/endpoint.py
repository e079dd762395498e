"""AnthropicEndpoint: what both ways to its models have in common, and AnthropicProvider: its own API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway import ANONYMOUS, Address, HeaderTemplates, ModelList, Outgoing, Services, Settings, Target
from gateway.endpoint import (
    USER_PROVIDED,
    ConfiguredProvider,
    DefaultNames,
    FixedNames,
    Names,
    Unusable,
    brought,
    listed,
)
from gateway.endpoint.reading import address, base_url, header_templates

from .section import AnthropicFields
from .thinking import Thinking

PATH = "endpoints.anthropic"
OFFICIAL = "https://api.anthropic.com/v1"
VERSION = "2023-06-01"
"""Of the list of models; that of calls is their dialect's."""
KEY, BETA = "x-api-key", "anthropic-beta"
MODELS = Path(__file__).with_name("models.json")
_REQUEST_PATH = re.compile(r"/(?:messages|models)/?(?=\?|$)")
_VERSIONED = re.compile(r"/v\d+$")


class AnthropicEndpoint(ConfiguredProvider):
    endpoint = "anthropic"
    kind = "anthropic"
    path = PATH
    dialects = ("anthropic-messages",)

    def __init__(self) -> None:
        super().__init__()
        self._thinking = Thinking()
        self._address: Address
        self._headers: HeaderTemplates

    def configured(self, outgoing: Outgoing) -> Mapping[str, str]:
        """The operator's headers for this caller; beta features that the call asks for are kept beside their own."""
        filled = self._headers.fill(outgoing.exchange.principal)
        asked = outgoing.encoded.headers.get(BETA)
        if not asked or BETA not in filled:
            return filled
        return {**filled, BETA: ",".join(dict.fromkeys((*listed(asked), *listed(filled[BETA]))))}


class AnthropicProvider(AnthropicEndpoint):
    """Anthropic's API, or what stands in for it."""

    def __init__(self, settings: Settings, services: Services) -> None:
        super().__init__()
        key = (settings.env("ANTHROPIC_API_KEY") or "").strip()
        self._names = listed(settings.env("ANTHROPIC_MODELS")) or settings.one(AnthropicFields).models
        self.open = not self._names
        self._offered: Names = FixedNames(self._names)
        if key == USER_PROVIDED:
            self.user_provides = ("apiKey",)
        try:
            self._address = _address(settings)
            self._headers = headers_of(settings, {} if self.user_provides else {KEY: _given(key)})
        except Unusable as unusable:
            self.refuse(unusable)
        else:
            self._offered = self._offer(services)

    def url(self, outgoing: Outgoing) -> str:
        return self._address.url(outgoing.encoded.path, outgoing.encoded.query)

    def target(self, model: str) -> Target:
        return Target(self, self.endpoint, model, quirks=self._thinking.quirks(model), state_domain=self.endpoint)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        configured = self.configured(outgoing)
        return {**configured, KEY: brought(outgoing, "apiKey")} if self.user_provides else configured

    async def models(self) -> Sequence[str]:
        return await self._offered.names()

    def _offer(self, services: Services) -> Names:
        """Anthropic shows its list to a key, which callers may have and the gateway not."""
        if self._names:
            return FixedNames(self._names)
        names = DefaultNames.read(MODELS).names
        if self.user_provides:
            return FixedNames(names)
        headers = {"anthropic-version": VERSION, **self._headers.fill(ANONYMOUS)}
        return ModelList.of(services, self.endpoint, self._address.url("/models", {"limit": "1000"}), headers, names)


def based(where: str, base: str) -> Address:
    """Anthropic's SDKs take a base without `/v1`, others one with it; either is a base here. Raises Unusable."""
    found = address(where, _REQUEST_PATH.sub("", base))
    return found if _VERSIONED.search(found.prefix) else Address(found.url("/v1"))


def headers_of(settings: Settings, ours: Mapping[str, str]) -> HeaderTemplates:
    """ours: what goes where the operator's headers have no such one. Raises Unusable."""
    configured = settings.one(AnthropicFields).headers
    return header_templates(settings, f"{PATH}.headers", configured, ours, {KEY: "ANTHROPIC_API_KEY"})


def _address(settings: Settings) -> Address:
    configured = settings.one(AnthropicFields).base_url or OFFICIAL
    return based(*base_url(settings, "ANTHROPIC_REVERSE_PROXY", f"{PATH}.baseURL", configured))


def _given(key: str) -> str:
    if not key:
        raise Unusable("ANTHROPIC_API_KEY", "it is not set")
    return key
