"""GoogleEndpoint: what both ways to Gemini have in common, and StudioProvider: that with a key of AI Studio."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import DecodeError, Raw, json, structs

from gateway import (
    Address,
    BadHeader,
    Encoded,
    Extra,
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
from gateway.wire.jsontext import encode, members

from .names import defaults, generators, listed
from .safety import MEMBER, safety
from .section import GoogleFields
from .unusable import Unusable

PATH = "endpoints.google"
OFFICIAL = "https://generativelanguage.googleapis.com/v1beta"
API_KEY = "GOOGLE_API_KEY"
"""What LibreChat calls the key in JSON."""
NOBODY = Principal(user_id="", role="")
_REQUEST_PATH = re.compile(r"/models/?(?=\?|$)")
_VERSIONED = re.compile(r"/v\d+(?:(?:alpha|beta)\d*)?$")
_object = json.Decoder(dict[str, object])


class GoogleEndpoint(HttpProvider):
    endpoint = "google"
    kind = "google"
    dialects = ("gemini",)

    def __init__(self, settings: Settings) -> None:
        self._names = listed(settings.env("GOOGLE_MODELS"))
        self.open = not self._names
        self._finding: Finding | None = None
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

    def findings(self) -> Sequence[Finding]:
        return (self._finding,) if self._finding else ()

    def refuse(self, unusable: Unusable) -> None:
        self.unavailable = f"{unusable.where}: {unusable}"
        self._finding = Finding(PATH, self.unavailable, "set it in the environment or in .env", "warning")

    def set_up(self, settings: Settings, address: Address, ours: Mapping[str, str]) -> None:
        """ours: headers that go where the operator's have no such one. Raises Unusable."""
        self._address = address
        self._headers = _headers(settings, ours)
        self._set = safety(settings)


class StudioProvider(GoogleEndpoint):
    """The Gemini API with a key of AI Studio, or what stands in for it."""

    def __init__(self, settings: Settings, services: Services) -> None:
        super().__init__(settings)
        bearer = (settings.env("GOOGLE_AUTH_HEADER") or "").strip().lower() == "true"
        self._header, self._scheme = ("authorization", "Bearer ") if bearer else ("x-goog-api-key", "")
        self._listing: ModelList | None = None
        try:
            key = _key(settings)
            if key == USER_PROVIDED:
                self.user_provides, self.user_key_names = ("apiKey",), {API_KEY: "apiKey"}
            ours = {} if self.user_provides else {self._header: self._scheme + key}
            self.set_up(settings, based(settings, OFFICIAL, "/v1beta"), ours)
        except Unusable as unusable:
            self.refuse(unusable)
        else:
            self._take_models(services)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        configured = self._headers.fill(outgoing.exchange.principal)
        if not self.user_provides:
            return configured
        return {**configured, self._header: self._scheme + brought(outgoing, "apiKey")}

    async def models(self) -> Sequence[str]:
        return await self._listing.names() if self._listing else self._names

    def _take_models(self, services: Services) -> None:
        if self._names:
            return
        names = defaults().names
        if self.user_provides:
            self._names = names
            return
        self._listing = ModelList(
            services.upstream,
            services.clock,
            services.log,
            "endpoint google",
            self._address.url("/models", {"pageSize": "1000"}),
            self._headers.fill(NOBODY),
            names,
            read=generators,
        )


def based(settings: Settings, official: str, version: str) -> Address:
    """Google's SDKs take a base without a version, others one with it; either is a base here. Raises Unusable."""
    where, text = "GOOGLE_REVERSE_PROXY", settings.env("GOOGLE_REVERSE_PROXY")
    if text is None:
        where, text = f"{PATH}.baseURL", settings.one(GoogleFields).base_url or official
    try:
        address = Address(_REQUEST_PATH.sub("", settings.resolve(text).strip()))
    except UnsetVariable as error:
        raise Unusable(where, f"not set: {error}") from error
    except ValueError as error:
        raise Unusable(where, str(error)) from error
    return address if _VERSIONED.search(address.prefix) else Address(address.url(version))


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
        raise Unusable("GOOGLE_KEY", "it begins as JSON and is none") from error
    if not (isinstance(found, str) and found.strip()):
        raise Unusable("GOOGLE_KEY", f"its JSON has no {API_KEY}")
    return found.strip()


def _headers(settings: Settings, ours: Mapping[str, str]) -> HeaderTemplates:
    configured = endpoint_headers(settings, settings.one(GoogleFields).headers)
    try:
        return HeaderTemplates.compile(settings, configured, ours)
    except UnsetVariable as error:
        raise Unusable(f"{PATH}.headers", f"not set: {error}") from error
    except BadHeader as error:
        where = f"{PATH}.headers.{error.name}" if error.name in configured else "GOOGLE_KEY"
        raise Unusable(where, str(error)) from error
