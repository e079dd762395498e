"""CustomProvider: one entry of `endpoints.custom[]`; everything that can be made ready at startup is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Raw, to_builtins

from gateway import (
    ANONYMOUS,
    Address,
    HeaderTemplates,
    ModelFacts,
    Outgoing,
    Principal,
    Services,
    Settings,
    Target,
)
from gateway.endpoint import (
    ConfiguredProvider,
    Known,
    KnownUpstreams,
    Unusable,
    brought,
    brought_address,
    parameters,
)

from .facts import facts_of
from .habits import DEFAULT, habits
from .listing import Listing
from .reading import address_of, base_of, headers_of, host_in, key_of
from .section import CustomEndpoint
from .style import STYLES

RESPONSES = ("open-responses", "openai-media")
"""What is spoken to an upstream whose newer API the entry asks for (`addParams.useResponsesApi`)."""
OLLAMA = "ollama"
"""Endpoints whose names begin so are asked for Ollama's own list of models, as LibreChat does."""


class CustomProvider(ConfiguredProvider):
    """path: `endpoints.custom[n]`. Before `set_up` it has no address and must not be called."""

    kind = "custom"

    def __init__(self, path: str, name: str, entry: CustomEndpoint) -> None:
        super().__init__()
        self.endpoint = name
        self.path, self._entry = path, entry
        self._style = STYLES.get(entry.provider, STYLES[""])
        self.dialects = self._style.dialects
        self._names: tuple[str, ...] = ()
        self._listing: Listing | None = None
        self._set: Mapping[str, Raw] = {}
        self._drop: frozenset[str] = frozenset()
        self._quirks = DEFAULT
        self._address: Address | None = None
        self._headers: HeaderTemplates

    def url(self, outgoing: Outgoing) -> str:
        direct = self._entry.direct_endpoint
        base = self._address or self._style.base(brought_address(outgoing), direct)
        if direct and outgoing.exchange.inbound.operation.kind == "generate":
            return base.verbatim
        return self._style.below(base, direct).url(outgoing.encoded.path, outgoing.encoded.query)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        """What is configured is not shown to a server that the caller named; as in LibreChat."""
        if self._address is None:
            brought_address(outgoing)
            return self._brought_key(outgoing)
        filled = self._headers.fill(outgoing.exchange.principal)
        return {**self._brought_key(outgoing), **filled} if "apiKey" in self.user_provides else filled

    async def models(self) -> Sequence[str]:
        return await self.models_for(ANONYMOUS)

    async def models_for(self, principal: Principal) -> Sequence[str]:
        return await self._listing.names(principal) if self._listing else self._names

    def target(self, model: str) -> Target:
        return Target(
            provider=self,
            endpoint=self.endpoint,
            model=model,
            quirks=self._quirks,
            set=self._set,
            drop=self._drop,
            state_domain=self.endpoint,
        )

    def facts(self, model: str) -> ModelFacts | None:
        prices = self._entry.token_config.get(model)
        return facts_of(prices) if prices else None

    def shown(self) -> Mapping[str, object]:
        """Source: LibreChat `packages/api/src/endpoints/custom/config.ts`."""
        entry = self._entry
        optional = {
            "modelDisplayLabel": entry.model_display_label,
            "iconURL": entry.icon_url,
            "customParams": to_builtins(entry.custom_params),
        }
        given = {name: value for name, value in optional.items() if value}
        return {"type": "custom", **given}

    def set_up(self, upstreams: KnownUpstreams, settings: Settings, services: Services) -> None:
        """Make ready what the entry says; where that cannot be, say why."""
        try:
            self._check()
            base = base_of(self._entry, settings)
            known = upstreams.find(self.endpoint, host_in(base))
            self._take_address(base, known, settings)
        except Unusable as unusable:
            self.refuse(unusable)
        else:
            self._take_parameters(known)
            self._take_models(known, services)

    def speak(self, dialects: tuple[str, ...]) -> None:
        """What the operator says of its upstream."""
        self.dialects = dialects or self.dialects

    def refuse(self, unusable: Unusable) -> None:
        """`where` is one of the entry's keys."""
        self.unavailable = str(unusable)
        self._findings.append(unusable.below(self.path))

    def _brought_key(self, outgoing: Outgoing) -> dict[str, str]:
        """Without a caller there is none to bring a key."""
        if outgoing.user_key is None:
            return {}
        return {self._style.header: self._style.prefix + brought(outgoing, "apiKey")}

    def _check(self) -> None:
        entry = self._entry
        if not entry.name.strip():
            raise Unusable("name", "it has no name, so it is skipped", "name it, or take it out")
        if entry.provider not in STYLES:
            raise Unusable("provider", f'"{entry.provider}" is not known', "write anthropic, or leave it out")
        if not entry.models.default and not entry.models.fetch:
            raise Unusable("models", "it names no models, so it is skipped", "give `default`, or set `fetch: true`")

    def _take_address(self, base: str, known: Known, settings: Settings) -> None:
        address = address_of(base, known)
        key = key_of(self._entry, known, settings)
        if address is None:
            self.user_provides = ("apiKey", "baseURL")
            if key is not None:
                what = "callers name the address, and a key of yours would go there; they bring theirs instead"
                self.warn(f"{self.path}.apiKey", what, "write user_provided")
            return
        self._address = self._style.base(address, self._entry.direct_endpoint)
        self._headers = headers_of(self._entry, key, self._style, settings)
        self.user_provides = ("apiKey",) if key is None else ()

    def _take_parameters(self, known: Known) -> None:
        entry = self._entry
        found = parameters(entry.add_params, entry.drop_params, self._style.names)
        self._set, self._drop = found.set, found.drop
        self._quirks = habits(known, entry.custom_params, self._drop)
        if not entry.provider:
            self.dialects = RESPONSES if found.responses_only else known.dialects or self.dialects
        if entry.direct_endpoint:
            self.dialects = self.dialects[:1]
        for name in found.idle:
            self.warn(f"{self.path}.addParams.{name}", "it is no member of a request and has no effect", "take it out")

    def _take_models(self, known: Known, services: Services) -> None:
        models = self._entry.models
        self._names = tuple(model if isinstance(model, str) else model.name for model in models.default)
        self.open = models.fetch
        if models.fetch and self._address is not None and not self.user_provides:
            self._listing = Listing(
                services,
                self.endpoint,
                self._style.below(self._address, self._entry.direct_endpoint),
                self._style,
                self._headers,
                self._names,
                by_user=models.user_id_query,
                own=known.listing == "tags" or self.endpoint.lower().startswith(OLLAMA),
            )
