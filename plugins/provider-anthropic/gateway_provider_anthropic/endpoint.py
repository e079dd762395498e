"""AnthropicEndpoint: what both ways to its models have in common, and AnthropicProvider: its own API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gateway import (
    Address,
    BadHeader,
    Finding,
    HeaderTemplates,
    HttpProvider,
    ModelList,
    Outgoing,
    Principal,
    Services,
    Settings,
    Target,
    UnsetVariable,
    endpoint_headers,
)
from gateway.endpoint.brought import USER_PROVIDED, brought

from .names import defaults, listed
from .section import AnthropicFields
from .thinking import Thinking

PATH = "endpoints.anthropic"
OFFICIAL = "https://api.anthropic.com/v1"
VERSION = "2023-06-01"
"""Of the list of models; that of calls is their dialect's."""
KEY, BETA = "x-api-key", "anthropic-beta"
NOBODY = Principal(user_id="", role="")
_REQUEST_PATH = re.compile(r"/(?:messages|models)/?(?=\?|$)")
_VERSIONED = re.compile(r"/v\d+$")


class Unusable(Exception):
    """It cannot be called. where: a variable's name or a path. The text has why, in words for the operator."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(why)
        self.where = where


class AnthropicEndpoint(HttpProvider):
    endpoint = "anthropic"
    kind = "anthropic"
    dialects = ("anthropic-messages",)

    def __init__(self) -> None:
        self._finding: Finding | None = None
        self._thinking = Thinking()
        self._address: Address
        self._headers: HeaderTemplates

    def findings(self) -> Sequence[Finding]:
        return (self._finding,) if self._finding else ()

    def refuse(self, unusable: Unusable) -> None:
        self.unavailable = f"{unusable.where}: {unusable}"
        self._finding = Finding(PATH, self.unavailable, "set it in the environment or in .env", "warning")

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
        self._listing: ModelList | None = None
        if key == USER_PROVIDED:
            self.user_provides = ("apiKey",)
        try:
            self._address = _address(settings)
            self._headers = headers_of(settings, {} if self.user_provides else {KEY: _given(key)})
        except Unusable as unusable:
            self.refuse(unusable)
        else:
            self._take_models(services)

    def url(self, outgoing: Outgoing) -> str:
        return self._address.url(outgoing.encoded.path, outgoing.encoded.query)

    def target(self, model: str) -> Target:
        return Target(self, self.endpoint, model, quirks=self._thinking.quirks(model), state_domain=self.endpoint)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        configured = self.configured(outgoing)
        return {**configured, KEY: brought(outgoing, "apiKey")} if self.user_provides else configured

    async def models(self) -> Sequence[str]:
        return await self._listing.names() if self._listing else self._names

    def _take_models(self, services: Services) -> None:
        if self._names:
            return
        names = defaults().direct.names
        if self.user_provides:
            self._names = names
            return
        self._listing = ModelList(
            services.upstream,
            services.clock,
            services.log,
            "endpoint anthropic",
            self._address.url("/models", {"limit": "1000"}),
            {"anthropic-version": VERSION, **self._headers.fill(NOBODY)},
            names,
        )


def based(base: str) -> Address:
    """Anthropic's SDKs take a base without `/v1`, others one with it; either is a base here. Raises ValueError."""
    address = Address(_REQUEST_PATH.sub("", base.strip()))
    return address if _VERSIONED.search(address.prefix) else Address(address.url("/v1"))


def headers_of(settings: Settings, ours: Mapping[str, str]) -> HeaderTemplates:
    """ours: what goes where the operator's headers have no such one. Raises Unusable."""
    configured = endpoint_headers(settings, settings.one(AnthropicFields).headers)
    try:
        return HeaderTemplates.compile(settings, configured, ours)
    except UnsetVariable as error:
        raise Unusable(f"{PATH}.headers", f"not set: {error}") from error
    except BadHeader as error:
        where = f"{PATH}.headers.{error.name}" if error.name in configured else "ANTHROPIC_API_KEY"
        raise Unusable(where, str(error)) from error


def resolved(settings: Settings, where: str, text: str) -> str:
    """Raises Unusable."""
    try:
        return settings.resolve(text).strip()
    except UnsetVariable as error:
        raise Unusable(where, f"not set: {error}") from error


def _address(settings: Settings) -> Address:
    where, text = "ANTHROPIC_REVERSE_PROXY", settings.env("ANTHROPIC_REVERSE_PROXY")
    if text is None:
        where, text = f"{PATH}.baseURL", settings.one(AnthropicFields).base_url or OFFICIAL
    try:
        return based(resolved(settings, where, text))
    except ValueError as error:
        raise Unusable(where, str(error)) from error


def _given(key: str) -> str:
    if not key:
        raise Unusable("ANTHROPIC_API_KEY", "it is not set")
    return key
