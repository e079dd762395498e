"""The directory of raw models: `endpoint/model`, or the model alone where it is unambiguous."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence

from cachetools import LRUCache

from ..catalogue import Catalogue
from ..dialect import Edit
from ..errors import Forbidden, GatewayError, UnknownModel
from ..inbound import Inbound, Principal
from ..provider import Model, Provider
from ..settings.routes import Allow
from .allowed import Allowed
from .resolve import Directory, Route

KEPT = 1024
"""Routes that are kept; endpoints may take any name."""
log = logging.getLogger("gateway.endpoints")


class Names:
    """Endpoints by the name that stands before a model's."""

    def __init__(self, endpoints: Mapping[str, Provider]) -> None:
        self._by_name = endpoints
        self._by_lower = {name.lower(): provider for name, provider in endpoints.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def split(self, model: str) -> tuple[Provider | None, str]:
        """The endpoint and its model; names of endpoints may hold slashes themselves: the longest that fits."""
        at = model.rfind("/")
        while at > 0:
            provider = self._by_name.get(model[:at]) or self._by_lower.get(model[:at].lower())
            if provider is not None and at + 1 < len(model):
                return provider, model[at + 1 :]
            at = model.rfind("/", 0, at)
        return None, model


class Endpoints(Directory):
    """Raw models are for admins and for whom `gateway.models.allow` names; never under an agents-only mount."""

    def __init__(self, endpoints: Mapping[str, Provider], allow: Allow, catalogue: Catalogue | None = None) -> None:
        self._by_name = endpoints
        self._names = Names(endpoints)
        self._catalogue = catalogue or Catalogue()
        self._allowed = Allowed(allow)
        self._routes: LRUCache[tuple[str, str], Route] = LRUCache(KEPT)

    async def find(self, inbound: Inbound, model: str | None, principal: Principal) -> Route | None:
        if model is None or inbound.mount.agents_only:
            return None
        allowed = self._allowed.allows(principal)
        provider, name = self._names.split(model)
        if provider is None:
            provider = await self._unambiguous(model, principal, allowed)
        if provider is None:
            return None
        if not allowed:
            raise Forbidden(
                "This key may call agents only; raw models are for admins and for whom gateway.models.allow names."
            )
        if not (provider.unavailable or provider.open or name in await self._listed(provider, principal)):
            raise UnknownModel(
                f"The endpoint {provider.endpoint} does not list {name!r} among its models.", param="model"
            )
        return self._route(provider, name)

    async def models(self, inbound: Inbound, principal: Principal) -> Sequence[Model]:
        if inbound.mount.agents_only or not self._allowed.allows(principal):
            return ()
        usable = [provider for provider in self._by_name.values() if not provider.unavailable]
        lists = await asyncio.gather(*(self._listed(provider, principal) for provider in usable))
        return [
            Model(
                id=f"{provider.endpoint}/{name}",
                name=name,
                owner=provider.endpoint,
                facts=self._catalogue.of(provider, name),
            )
            for provider, names in zip(usable, lists, strict=True)
            for name in names
        ]

    def _route(self, provider: Provider, model: str) -> Route:
        """Made once, for a target is the same from one call to the next."""
        key = (provider.endpoint, model)
        route = self._routes.get(key)
        if route is None:
            route = Route(f"{provider.endpoint}/{model}", (provider.target(model),), Edit(model=model))
            self._routes[key] = route
        return route

    async def _unambiguous(self, model: str, principal: Principal, allowed: bool) -> Provider | None:
        """The one endpoint that lists it; or, where none does, the only one that takes unlisted names."""
        usable = [provider for provider in self._by_name.values() if not provider.unavailable]
        lists = await asyncio.gather(*(self._listed(provider, principal) for provider in usable))
        listing = [provider for provider, names in zip(usable, lists, strict=True) if model in names]
        if len(listing) > 1 and allowed:
            names = ", ".join(f"{provider.endpoint}/{model}" for provider in listing)
            raise UnknownModel(f"Several endpoints have {model!r}; name one of: {names}.", param="model")
        if listing:
            return listing[0]
        takers = [provider for provider in usable if provider.open]
        return takers[0] if allowed and len(takers) == 1 else None

    async def _listed(self, provider: Provider, principal: Principal) -> Sequence[str]:
        """An endpoint that cannot list its models has none to list; it may still be called by its full name."""
        try:
            return await provider.models_for(principal)
        except GatewayError as error:
            log.warning("endpoint %s cannot list its models: %s", provider.endpoint, error.public)
            return ()
