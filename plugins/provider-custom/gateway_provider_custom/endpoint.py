"""CustomProvider: one entry of `endpoints.custom[]`; everything that can be made ready at startup is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Raw

from gateway import (
    Address,
    Finding,
    HeaderTemplates,
    HttpProvider,
    ModelList,
    Outgoing,
    Principal,
    Quirks,
    Services,
    Settings,
    Target,
)

from .parameters import NOT_MEMBERS, added, dropped
from .reading import Unusable, address_of, headers_of
from .section import CustomEndpoint, Options

DIALECTS = ("openai-chat",)
NEWER_HOSTS = ("api.openai.com", ".openai.azure.com")
"""Hosts that know `max_completion_tokens`; every other compatible server knows `max_tokens`."""
CHAT_PATH = "/chat/completions"
NOBODY = Principal(user_id="", role="")


class CustomProvider(HttpProvider):
    """path: `endpoints.custom[n]`. Before `set_up` it has no address and must not be called."""

    def __init__(self, path: str, name: str, dialects: tuple[str, ...]) -> None:
        self.endpoint = name
        self.dialects = dialects
        self._path = path
        self._findings: list[Finding] = []
        self._names: tuple[str, ...] = ()
        self._listing: ModelList | None = None
        self._set: Mapping[str, Raw] = {}
        self._drop: frozenset[str] = frozenset()
        self._quirks = Quirks()
        self._direct = False
        self._address: Address
        self._headers: HeaderTemplates

    def url(self, outgoing: Outgoing) -> str:
        if self._direct:
            return self._address.verbatim
        return self._address.url(outgoing.encoded.path, outgoing.encoded.query)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        return self._headers.fill(outgoing.exchange.principal)

    async def models(self) -> Sequence[str]:
        return await self._listing.names() if self._listing else self._names

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

    def findings(self) -> Sequence[Finding]:
        return self._findings

    def set_up(self, entry: CustomEndpoint, settings: Settings, services: Services) -> None:
        """Make ready what the entry says; where that cannot be, say why."""
        try:
            self._check(entry)
            self._address = address_of(entry, settings)
            self._headers = headers_of(entry, settings)
        except Unusable as unusable:
            self.refuse(unusable)
        else:
            self._take_parameters(entry)
            self._take_models(entry, services)

    def refuse(self, unusable: Unusable) -> None:
        self.unavailable = f"{unusable.key}: {unusable.what}"
        self.warn(f"{self._path}.{unusable.key}", unusable.what, unusable.todo)

    def warn(self, path: str, what: str, todo: str) -> None:
        self._findings.append(Finding(path, what, todo, "warning"))

    def _check(self, entry: CustomEndpoint) -> None:
        if not entry.name.strip():
            raise Unusable("name", "it has no name, so it is skipped", "name it, or take it out")
        if entry.provider:
            raise Unusable("provider", f'"{entry.provider}" is not supported yet', "use an OpenAI-compatible URL")
        if not entry.models.default and not entry.models.fetch:
            raise Unusable("models", "it names no models, so it is skipped", "give `default`, or set `fetch: true`")

    def _take_parameters(self, entry: CustomEndpoint) -> None:
        self._set, self._drop = added(entry.add_params), dropped(entry.drop_params)
        self._direct = entry.direct_endpoint
        self._quirks = Quirks(
            stream_options="stream_options" not in self._drop,
            max_completion_tokens=self._address.host.endswith(NEWER_HOSTS),
        )
        for name in sorted(NOT_MEMBERS & entry.add_params.keys()):
            self.warn(f"{self._path}.addParams.{name}", "it is not supported yet and has no effect", "take it out")

    def _take_models(self, entry: CustomEndpoint, services: Services) -> None:
        self._names = tuple(model if isinstance(model, str) else model.name for model in entry.models.default)
        if not entry.models.fetch:
            return
        self.open = True
        if entry.models.user_id_query:
            path = f"{self._path}.models.userIdQuery"
            self.warn(path, "it has no effect yet: the list of models is one for all callers", "take it out")
        self._listing = ModelList(
            services.upstream,
            services.clock,
            services.log,
            f"endpoint {self.endpoint}",
            self._listing_address().url("/models"),
            self._headers.fill(NOBODY),
            self._names,
        )

    def _listing_address(self) -> Address:
        return Address(self._address.verbatim.replace(CHAT_PATH, "", 1)) if self._direct else self._address


def endpoints(settings: Settings, services: Services) -> list[CustomProvider]:
    """A provider for each entry, unusable ones included."""
    dialects = settings.one(Options).dialects
    made: dict[str, CustomProvider] = {}
    for index, entry in enumerate(settings.many(CustomEndpoint)):
        name = _name(entry) or f"custom[{index}]"
        provider = CustomProvider(f"endpoints.custom[{index}]", name, dialects.get(name) or DIALECTS)
        if name in made:
            provider.endpoint = f"custom[{index}]"
            provider.refuse(Unusable("name", f'"{name}" is taken by an entry above it', "give it another name"))
        else:
            provider.set_up(entry, settings, services)
        made[provider.endpoint] = provider
    _report_strangers(dialects, made)
    return list(made.values())


def _name(entry: CustomEndpoint) -> str:
    name = entry.name.strip()
    return name.lower() if name.lower() == "ollama" else name


def _report_strangers(dialects: Mapping[str, tuple[str, ...]], made: Mapping[str, CustomProvider]) -> None:
    """Names that no entry has. Any provider may tell of them."""
    for name in dialects.keys() - made.keys():
        if teller := next(iter(made.values()), None):
            path = f"gateway.provider-custom.dialects.{name}"
            teller.warn(path, "no custom endpoint has this name", f"the names are: {', '.join(made)}")
