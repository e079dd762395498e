"""BedrockProvider: the endpoint `bedrock`, from LibreChat's variables and `endpoints.bedrock`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from urllib.parse import quote

import msgspec
from msgspec import Raw

from gateway import (
    Address,
    BadHeader,
    Encoded,
    Finding,
    HeaderTemplates,
    HttpProvider,
    Outgoing,
    Services,
    Settings,
    Target,
    Unavailable,
    UnsetVariable,
    UserKey,
    endpoint_enabled,
    endpoint_headers,
)

from . import credentials
from .credentials import Bearer, Brought, Credentials
from .regions import Regions, is_region
from .section import PATH, BedrockFields, GuardrailFields
from .sigv4 import signed
from .unusable import Unusable

SERVICE = "bedrock"
REVERSE_PROXY = "BEDROCK_REVERSE_PROXY"
DEFAULT_REGION = "BEDROCK_AWS_DEFAULT_REGION"
ASKS = (DEFAULT_REGION, "BEDROCK_AWS_PROFILE", *credentials.VARIABLES.values())
"""Variables any of which turns the endpoint on."""
_members = msgspec.json.Decoder(dict[str, Raw])


class _Models(msgspec.Struct):
    source: str
    models: tuple[str, ...]


class BedrockProvider(HttpProvider):
    endpoint = "bedrock"
    dialects = ("bedrock-converse",)
    kind = "bedrock"

    def __init__(self, settings: Settings, services: Services) -> None:
        self._fields = settings.one(BedrockFields)
        self._clock: Callable[[], float] = services.clock
        self._findings: list[Finding] = []
        listed = self._fields.models or _listed(settings)
        self.open = not listed
        self._names = listed or _default_models()
        self._shown = _shown(self._fields, settings)
        self._set: Mapping[str, Raw] = {}
        self._profiles: Mapping[str, str | None] = {}
        self._address: Address | None
        self._headers: HeaderTemplates
        self._credentials: Credentials
        self._regions: Regions
        try:
            self._set_up(settings)
        except Unusable as unusable:
            self.unavailable = f"{unusable.where}: {unusable}"
            self._warn(PATH, self.unavailable, "set it in the environment or in .env")

    def adapt(self, encoded: Encoded, target: Target) -> Encoded:
        """How a stream is guarded is told for streams alone."""
        if "guardrailConfig" not in target.set or encoded.path.endswith("/converse-stream"):
            return encoded
        members = _members.decode(encoded.body)
        if "guardrailConfig" in members:
            told = _members.decode(members["guardrailConfig"])
            told.pop("streamProcessingMode", None)
            members["guardrailConfig"] = Raw(msgspec.json.encode(told))
        return msgspec.structs.replace(encoded, body=msgspec.json.encode(members))

    def url(self, outgoing: Outgoing) -> str:
        served = self._served(outgoing.target.model)
        operation = outgoing.encoded.path.rpartition("/")[2]
        path = f"/model/{quote(served, safe='-._~', errors='replace')}/{operation}"
        address = self._address or Address(f"https://bedrock-runtime.{self._regions.of(served)}.amazonaws.com")
        return address.url(path, outgoing.encoded.query)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        """A header `authorization` of the operator's own stands instead of a signature."""
        headers = self._headers.fill(outgoing.exchange.principal)
        if "authorization" in headers:
            return headers
        found = self._credentials
        if isinstance(found, Brought):
            found = found.of(outgoing.user_key or UserKey({}))
        if isinstance(found, Bearer):
            return {**headers, "authorization": f"Bearer {found.token.reveal()}"}
        covered = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
        covered["content-type"] = "application/json"
        body, url = outgoing.encoded.body, self.url(outgoing)
        region = self._regions.of(self._served(outgoing.target.model))
        return {**headers, **signed("POST", url, covered, body, found, region, SERVICE, self._clock())}

    async def models(self) -> Sequence[str]:
        return self._names

    def target(self, model: str) -> Target:
        return Target(provider=self, endpoint=self.endpoint, model=model, set=self._set, state_domain=self.endpoint)

    def missing(self, key: UserKey) -> Sequence[str]:
        return self._credentials.missing(key) if isinstance(self._credentials, Brought) else ()

    def findings(self) -> Sequence[Finding]:
        return self._findings

    def shown(self) -> Mapping[str, object]:
        return self._shown

    def _set_up(self, settings: Settings) -> None:
        self._credentials = credentials.find(settings)
        if isinstance(self._credentials, Brought):
            self.user_provides = self._credentials.names
            if "bearerToken" in self.user_provides:
                self.user_key_names = {"apiKey": "bearerToken"}
        self._address = _address(self._fields, settings)
        self._regions = Regions(self._region(settings), self._fields.available_regions)
        self._headers = _headers(self._fields, settings)
        if self._fields.guardrail_config is not None:
            self._set = {"guardrailConfig": _guardrail(self._fields.guardrail_config, settings)}
        self._profiles = {model: self._profile(model, settings) for model in self._fields.inference_profiles}

    def _served(self, model: str) -> str:
        """The id or ARN that stands in the URL."""
        if model not in self._profiles:
            return model
        profile = self._profiles[model]
        if profile is None:
            raise Unavailable(f"The inference profile of {model} is a variable that is not set.")
        return profile

    def _profile(self, model: str, settings: Settings) -> str | None:
        try:
            return settings.resolve(self._fields.inference_profiles[model]).strip()
        except UnsetVariable as error:
            self._warn(f"{PATH}.inferenceProfiles.{model}", f"not set: {error}", "set it; until then it answers 503")
            return None

    def _region(self, settings: Settings) -> str:
        """A proxy that takes bearer keys needs no region, but a signature does."""
        found = settings.env(DEFAULT_REGION) or settings.env("AWS_REGION") or settings.env("AWS_DEFAULT_REGION")
        found = found or credentials.region_of_profile(settings) or next(iter(self._fields.available_regions), "")
        if not found and self._address is not None and isinstance(self._credentials, Bearer):
            return ""
        if not found:
            raise Unusable(DEFAULT_REGION, "no region is set")
        for name in (found, *self._fields.available_regions):
            if not is_region(name):
                raise Unusable(DEFAULT_REGION, f'"{name}" is not the name of a region, as us-east-1 is')
        return found

    def _warn(self, path: str, what: str, todo: str) -> None:
        self._findings.append(Finding(path, what, todo, "warning"))


def endpoint(settings: Settings, services: Services) -> BedrockProvider | None:
    """None where nothing asks for it, or ENDPOINTS leaves it out."""
    asked_for = settings.given(PATH) or any(settings.env(name) for name in ASKS)
    return BedrockProvider(settings, services) if asked_for and endpoint_enabled(settings, "bedrock") else None


def _listed(settings: Settings) -> tuple[str, ...]:
    return tuple(name.strip() for name in (settings.env("BEDROCK_AWS_MODELS") or "").split(",") if name.strip())


def _default_models() -> tuple[str, ...]:
    return msgspec.json.decode(files(__package__).joinpath("models.json").read_bytes(), type=_Models).models


def _shown(fields: BedrockFields, settings: Settings) -> Mapping[str, object]:
    """Source: LibreChat `api/server/services/Config/getEndpointsConfig.js`."""
    out: dict[str, object] = {"availableRegions": list(fields.available_regions)} if fields.available_regions else {}
    for name, variable in credentials.VARIABLES.items():
        said = f"userProvide{name[0].upper()}{name[1:]}"
        out[said] = (settings.env(variable) or "").strip() == credentials.USER_PROVIDED
    return out


def _address(fields: BedrockFields, settings: Settings) -> Address | None:
    """LibreChat takes a host's name alone for a reverse proxy; a whole URL does as well. None is AWS itself."""
    where, text = REVERSE_PROXY, settings.env(REVERSE_PROXY)
    if text is None:
        where, text = f"{PATH}.baseURL", fields.base_url
    if not text:
        return None
    try:
        base = settings.resolve(text).strip()
        return Address(base if "://" in base else f"https://{base}")
    except UnsetVariable as error:
        raise Unusable(where, f"not set: {error}") from error
    except ValueError as error:
        raise Unusable(where, str(error)) from error


def _headers(fields: BedrockFields, settings: Settings) -> HeaderTemplates:
    configured = endpoint_headers(settings, fields.headers)
    try:
        return HeaderTemplates.compile(settings, configured)
    except UnsetVariable as error:
        raise Unusable(f"{PATH}.headers", f"not set: {error}") from error
    except BadHeader as error:
        raise Unusable(f"{PATH}.headers.{error.name}", str(error)) from error


def _guardrail(fields: GuardrailFields, settings: Settings) -> Raw:
    """Without its guardrail nothing is sent, so a variable that is not set makes the endpoint unusable."""
    try:
        told = {
            "guardrailIdentifier": settings.resolve(fields.guardrail_identifier),
            "guardrailVersion": settings.resolve(fields.guardrail_version),
            "trace": fields.trace,
            "streamProcessingMode": fields.stream_processing_mode,
        }
    except UnsetVariable as error:
        raise Unusable(f"{PATH}.guardrailConfig", f"not set: {error}") from error
    return Raw(msgspec.json.encode({name: value for name, value in told.items() if value}))
