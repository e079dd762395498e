"""GET /api/models and /api/endpoints/token-config: models by endpoint, and what is known of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from gateway import Answer, GatewayError, Inbound, ModelFacts, Principal, Provider, Services, Settings
from gateway.endpoint import listed

from .answers import told
from .section import BUILT_IN

ALWAYS = tuple(name for name in BUILT_IN if name != "agents")
"""LibreChat names these even where they are not configured."""


class TokenConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """context: tokens. The others: USD per million tokens."""

    context: int | None = None
    prompt: float | None = None
    completion: float | None = None
    cache_write: float | None = None
    cache_read: float | None = None


class Models:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._services = services
        self._assistants = listed(settings.env("ASSISTANTS_MODELS"))

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        always = dict.fromkeys(ALWAYS, ()) | {"assistants": self._assistants}
        return told(always | await self._listed(principal))

    async def token_config(self, inbound: Inbound, principal: Principal) -> Answer:
        """Models of which nothing is known are left out, and endpoints that have no others."""
        shown: dict[str, dict[str, TokenConfig]] = {}
        for endpoint, names in (await self._listed(principal)).items():
            provider = self._services.endpoints[endpoint]
            for name in names:
                facts = self._services.catalogue.of(provider, name)
                if facts is not None and (facts.context or facts.prices):
                    shown.setdefault(endpoint, {})[name] = _of(facts)
        return told(shown)

    async def _listed(self, principal: Principal) -> dict[str, Sequence[str]]:
        usable = [provider for provider in self._services.endpoints.values() if not provider.unavailable]
        lists = await asyncio.gather(*(self._names(provider, principal) for provider in usable))
        return {provider.endpoint: names for provider, names in zip(usable, lists, strict=True)}

    async def _names(self, provider: Provider, principal: Principal) -> Sequence[str]:
        try:
            names = await provider.models_for(principal)
        except GatewayError as error:
            self._services.log.warning("endpoint %s cannot list its models: %s", provider.endpoint, error.public)
            return ()
        scopes = principal.scopes
        if scopes is None:
            return names
        return [name for name in names if scopes.allow_model(f"{provider.endpoint}/{name}", provider.endpoint)]


def _of(facts: ModelFacts) -> TokenConfig:
    prices = facts.prices
    if prices is None:
        return TokenConfig(context=facts.context)
    return TokenConfig(
        context=facts.context,
        prompt=prices.input,
        completion=prices.output,
        cache_write=prices.cache_write_5m,
        cache_read=prices.cache_read,
    )
