"""GoogleEndpoint: what both ways to Gemini have in common, and StudioProvider: that with a key of AI Studio."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import DecodeError, Raw, json, structs

from gateway import (
    ANONYMOUS,
    Address,
    Encoded,
    Extra,
    HeaderTemplates,
    ModelList,
    Outgoing,
    Services,
    Settings,
    Target,
)
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
from gateway.endpoint.reading import CORRECT_IT, address, base_url, header_templates
from gateway.wire.jsontext import encode, members

from .names import generators
from .safety import MEMBER, safety
from .section import GoogleFields

PATH = "endpoints.google"
OFFICIAL = "https://generativelanguage.googleapis.com/v1beta"
API_KEY = "GOOGLE_API_KEY"
"""What LibreChat calls the key in JSON."""
MODELS = Path(__file__).with_name("models.json")
_REQUEST_PATH = re.compile(r"/models/?(?=\?|$)")
_VERSIONED = re.compile(r"/v\d+(?:(?:alpha|beta)\d*)?$")
_object = json.Decoder(dict[str, object])


class GoogleEndpoint(ConfiguredProvider):
    endpoint = "google"
    kind = "google"
    path = PATH
    dialects = ("gemini",)

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._names = listed(settings.env("GOOGLE_MODELS"))
        self.open = not self._names
        self._set: Mapping[str, Raw] = {}
        self._address: Address
        self._headers: HeaderTemplates

    def url(self, outgoing: Outgoing) -> str:
        return self._address.url(outgoing.encoded.path, outgoing.encoded.query)

    def target(self, model: str) -> Target:
        return Target(self, self.endpoint, model, set=self._set, state_domain=self.endpoint)

    def adapt(self, encoded: Encoded, target: Target) -> Encoded:
        if not encoded.path.endswith(":countTokens"):
            return encoded
        return structs.replace(encoded, body=encode(self.counted(members(encoded.body))))

    def counted(self, asked: Extra) -> Extra:
        """What a request that counts tokens may hold: no safety settings, unless within a whole request."""
        return {name: value for name, value in asked.items() if name != MEMBER}

    def set_up(self, settings: Settings, address: Address, ours: Mapping[str, str]) -> None:
        """ours: headers that go where the operator's have no such one. Raises Unusable."""
        self._address = address
        configured, sources = settings.one(GoogleFields).headers, dict.fromkeys(ours, "GOOGLE_KEY")
        self._headers = header_templates(settings, f"{PATH}.headers", configured, ours, sources)
        self._set = safety(settings)


class StudioProvider(GoogleEndpoint):
    """The Gemini API with a key of AI Studio, or what stands in for it."""

    def __init__(self, settings: Settings, services: Services) -> None:
        super().__init__(settings)
        bearer = (settings.env("GOOGLE_AUTH_HEADER") or "").strip().lower() == "true"
        self._header, self._scheme = ("authorization", "Bearer ") if bearer else ("x-goog-api-key", "")
        self._offered: Names = FixedNames(self._names)
        try:
            key = _key(settings)
            if key == USER_PROVIDED:
                self.user_provides, self.user_key_names = ("apiKey",), {API_KEY: "apiKey"}
            ours = {} if self.user_provides else {self._header: self._scheme + key}
            self.set_up(settings, based(settings, OFFICIAL, "/v1beta"), ours)
        except Unusable as unusable:
            self.refuse(unusable)
        else:
            self._offered = self._offer(services)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        configured = self._headers.fill(outgoing.exchange.principal)
        if not self.user_provides:
            return configured
        return {**configured, self._header: self._scheme + brought(outgoing, "apiKey")}

    async def models(self) -> Sequence[str]:
        return await self._offered.names()

    def _offer(self, services: Services) -> Names:
        """AI Studio shows its list to a key, which callers may have and the gateway not."""
        if self._names:
            return FixedNames(self._names)
        names = DefaultNames.read(MODELS).names
        if self.user_provides:
            return FixedNames(names)
        url, headers = self._address.url("/models", {"pageSize": "1000"}), self._headers.fill(ANONYMOUS)
        return ModelList.of(services, self.endpoint, url, headers, names, read=generators)


def based(settings: Settings, official: str, version: str) -> Address:
    """Google's SDKs take a base without a version, others one with it; either is a base here. Raises Unusable."""
    configured = settings.one(GoogleFields).base_url or official
    where, base = base_url(settings, "GOOGLE_REVERSE_PROXY", f"{PATH}.baseURL", configured)
    found = address(where, _REQUEST_PATH.sub("", base))
    return found if _VERSIONED.search(found.prefix) else Address(found.url(version))


def _key(settings: Settings) -> str:
    """Alone, or in JSON under LibreChat's name for it."""
    text = (settings.env("GOOGLE_KEY") or "").strip()
    if not text:
        raise Unusable("GOOGLE_KEY", "neither it nor GOOGLE_SERVICE_KEY_FILE is set")
    if not text.startswith("{"):
        return text
    try:
        found = _object.decode(text).get(API_KEY)
    except (DecodeError, ValueError, RecursionError) as error:
        raise Unusable("GOOGLE_KEY", "it begins as JSON and is none", CORRECT_IT) from error
    if not (isinstance(found, str) and found.strip()):
        raise Unusable("GOOGLE_KEY", f"its JSON has no {API_KEY}")
    return found.strip()
