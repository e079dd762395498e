"""LibreChatProvider: the endpoint, called with its callers' own keys or with the operator's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from gateway import (
    ANONYMOUS,
    Address,
    Forbidden,
    HeaderTemplates,
    ModelFacts,
    ModelList,
    Outgoing,
    Prices,
    Principal,
    Services,
    Settings,
    Target,
    UpstreamRefused,
)
from gateway.endpoint import USER_PROVIDED, ConfiguredProvider, Unusable, brought
from gateway.endpoint.reading import address, header_templates, resolved

from .callers import Callers
from .names import API, MODELS, NAME, PATH
from .refusals import own_words
from .section import ADMIN, LibreChat

AUTHORIZATION = "authorization"
CHARGED_THERE = Prices(input=0.0, output=0.0, source="LibreChat charges its own users")
_STATE = "provider-librechat.callers"


class LibreChatProvider(ConfiguredProvider):
    """Before `set_up` it has no address and must not be called. callers: None where nobody's own key is forwarded."""

    dialects = (NAME,)
    kind = "custom"
    open = True
    path = PATH
    continues = True

    def __init__(self, given: LibreChat) -> None:
        super().__init__()
        self.endpoint = given.name
        self._given = given
        self._callers: Callers | None = None
        self._list: ModelList | None = None
        self._fixed = False
        self._base: Address
        self._headers: HeaderTemplates

    def url(self, outgoing: Outgoing) -> str:
        return self._base.url(outgoing.encoded.path)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        """The key that the caller came by, where it is LibreChat's; a key of the gateway's is never sent."""
        exchange = outgoing.exchange
        filled = self._headers.fill(exchange.principal)
        if "apiKey" in self.user_provides:
            return {**filled, AUTHORIZATION: f"Bearer {brought(outgoing, 'apiKey')}"}
        if self._own(exchange.principal):
            assert self._callers is not None
            key = self._callers.proven(exchange.principal, exchange.dialect.credential(exchange.inbound))
            if key is None:
                raise Forbidden("This request does not hold the key of LibreChat's that its caller came by.")
            return {**filled, AUTHORIZATION: f"Bearer {key}"}
        if not self._fixed:
            raise Forbidden(f"The endpoint {self.endpoint} is called with LibreChat's own keys; come with one of them.")
        return filled

    def refused(self, outgoing: Outgoing, error: UpstreamRefused) -> UpstreamRefused:
        """What LibreChat says of its own user's key is that user's to know."""
        principal = outgoing.exchange.principal
        if not self._own(principal) or error.upstream_status not in (401, 403):
            return error
        if error.upstream_status == 401 and self._callers is not None:
            self._callers.forget(principal)
        return own_words(error)

    async def models(self) -> Sequence[str]:
        return await self._list.names() if self._list is not None else ()

    async def models_for(self, principal: Principal) -> Sequence[str]:
        if self._callers is not None and self._callers.has(principal):
            return [agent.id for agent in self._callers.agents(principal)]
        return await self.models()

    def target(self, model: str) -> Target:
        return Target(provider=self, endpoint=self.endpoint, model=model, state_domain=self.endpoint)

    def facts(self, model: str) -> ModelFacts | None:
        """Of its own users' calls LibreChat keeps the account."""
        return ModelFacts(prices=CHARGED_THERE) if self._callers is not None and not self._fixed else None

    def set_up(self, settings: Settings, services: Services) -> None:
        """Make ready what the settings say; where that cannot be, say why."""
        try:
            self._base = base_of(settings)
            key = _key_of(self._given, settings)
            self._headers = _headers_of(self._given, key, settings)
            if key == USER_PROVIDED:
                self.user_provides = ("apiKey",)
            self._check(key)
        except Unusable as unusable:
            self.unavailable = str(unusable)
            self._findings.append(unusable.below(PATH))
            return
        self._fixed = bool(key) and key != USER_PROVIDED
        self._callers = callers_of(settings, services) if self._given.forward else None
        if self._fixed:
            headers = self._headers.fill(ANONYMOUS)
            self._list = ModelList.of(services, self.endpoint, self._base.url(MODELS), headers)

    def _check(self, key: str) -> None:
        if not self.endpoint.strip() or "/" in self.endpoint or ":" in self.endpoint:
            raise Unusable("name", "it is no name for an endpoint", "write a word, as librechat")
        if not key and not self._given.forward:
            todo = "give `key`, or `forward: true` for LibreChat's own users"
            raise Unusable("key", "there is nothing to call LibreChat with", todo)
        if self._given.role == ADMIN:
            raise Unusable("role", "whoever has a key of LibreChat's would be an admin here", "name another role")
        if key == USER_PROVIDED and self._given.forward:
            raise Unusable("key", "callers bring a key in both ways", "write `forward: true` alone, or user_provided")

    def _own(self, principal: Principal) -> bool:
        return self._callers is not None and self._callers.has(principal)


def endpoint(settings: Settings, services: Services) -> LibreChatProvider:
    provider = LibreChatProvider(settings.one(LibreChat))
    provider.set_up(settings, services)
    return provider


def callers_of(settings: Settings, services: Services) -> Callers | None:
    """The ones of this process, which survive a reload that changes nothing of LibreChat's. None where the settings
    are wrong, which the endpoint tells.
    """
    given = settings.one(LibreChat)
    try:
        url = base_of(settings).url(MODELS)
        headers = _headers_of(given, "", settings).fill(ANONYMOUS)
    except Unusable:
        return None
    made = Callers(services.upstream, given.name, url, headers, given.role)
    kept = cast("Callers | None", services.state.get(_STATE))
    if kept is None or not kept.same(made):
        kept = services.state[_STATE] = made
    return kept


def base_of(settings: Settings) -> Address:
    """Of the Agents API, which the URL may already name. Raises Unusable."""
    given = address("url", resolved(settings, "url", settings.one(LibreChat).url))
    return given if given.prefix.endswith(API) else Address(given.prefix + API)


def _key_of(given: LibreChat, settings: Settings) -> str:
    return resolved(settings, "key", given.key.reveal())


def _headers_of(given: LibreChat, key: str, settings: Settings) -> HeaderTemplates:
    ours = {AUTHORIZATION: f"Bearer {key}"} if key and key != USER_PROVIDED else {}
    return header_templates(settings, "headers", given.headers, ours, {AUTHORIZATION: "key"})
