"""BedrockProvider: the endpoint `bedrock`, from LibreChat's variables and `endpoints.bedrock`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Raw

from gateway import (
    Address,
    Encoded,
    HeaderTemplates,
    Outgoing,
    Services,
    Settings,
    Target,
    Unavailable,
    UnsetVariable,
    UserKey,
    endpoint_enabled,
)
from gateway.endpoint import USER_PROVIDED, ConfiguredProvider, DefaultNames, Unusable, listed
from gateway.endpoint.reading import address, base_url, header_templates
from gateway.endpoint.unusable import unset
from gateway.wire.segments import model_segment

from . import credentials
from .credentials import Bearer, Brought, Credentials
from .regions import Regions, is_region
from .section import PATH, BedrockFields, GuardrailFields
from .sigv4 import signed
from .temporary import Held

SERVICE = "bedrock"
MODELS = Path(__file__).with_name("models.json")
REVERSE_PROXY = "BEDROCK_REVERSE_PROXY"
DEFAULT_REGION = "BEDROCK_AWS_DEFAULT_REGION"
ANY_REGION = "us-east-1"
"""Whose token service is named where no region is; the endpoint is not usable then."""
ASKS = (DEFAULT_REGION, "BEDROCK_AWS_PROFILE", *credentials.VARIABLES.values())
"""Variables any of which turns the endpoint on."""
_members = msgspec.json.Decoder(dict[str, Raw])


class BedrockProvider(ConfiguredProvider):
    endpoint = "bedrock"
    dialects = ("bedrock-converse",)
    kind = "bedrock"
    path = PATH

    def __init__(self, settings: Settings, services: Services) -> None:
        super().__init__()
        self._fields = settings.one(BedrockFields)
        self._clock: Callable[[], float] = services.clock
        names = self._fields.models or listed(settings.env("BEDROCK_AWS_MODELS"))
        self.open = not names
        self._names = names or DefaultNames.read(MODELS).names
        self._shown = _shown(self._fields, settings)
        self._set: Mapping[str, Raw] = {}
        self._profiles: Mapping[str, str | None] = {}
        self._address: Address | None
        self._headers: HeaderTemplates
        self._credentials: Credentials
        self._regions: Regions
        try:
            self._set_up(settings, services)
        except Unusable as unusable:
            self.refuse(unusable)

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
        path = f"/model/{model_segment(served)}/{operation}"
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
        if isinstance(found, Held):
            found = await found.keys()
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

    def shown(self) -> Mapping[str, object]:
        return self._shown

    def _set_up(self, settings: Settings, services: Services) -> None:
        region = self._said_region(settings)
        self._credentials = credentials.find(settings, services, region or ANY_REGION)
        if isinstance(self._credentials, Brought):
            self.user_provides = self._credentials.names
            if "bearerToken" in self.user_provides:
                self.user_key_names = {"apiKey": "bearerToken"}
        self._address = _address(self._fields, settings)
        self._regions = Regions(self._checked(region), self._fields.available_regions)
        self._headers = header_templates(settings, f"{PATH}.headers", self._fields.headers, {}, {})
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
            self.warn(f"{PATH}.inferenceProfiles.{model}", unset(error), "set it; until then it answers 503")
            return None

    def _said_region(self, settings: Settings) -> str:
        found = settings.env(DEFAULT_REGION) or settings.env("AWS_REGION") or settings.env("AWS_DEFAULT_REGION")
        return found or credentials.region_of_profile(settings) or next(iter(self._fields.available_regions), "")

    def _checked(self, region: str) -> str:
        """A proxy that takes bearer keys needs no region, but a signature does."""
        if not region and self._address is not None and isinstance(self._credentials, Bearer):
            return ""
        if not region:
            raise Unusable(DEFAULT_REGION, "no region is set")
        for name in (region, *self._fields.available_regions):
            if not is_region(name):
                raise Unusable(DEFAULT_REGION, f'"{name}" is not the name of a region, as us-east-1 is')
        return region


def endpoint(settings: Settings, services: Services) -> BedrockProvider | None:
    """None where nothing asks for it, or ENDPOINTS leaves it out."""
    asked_for = settings.given(PATH) or any(settings.env(name) for name in ASKS)
    return BedrockProvider(settings, services) if asked_for and endpoint_enabled(settings, "bedrock") else None


def _shown(fields: BedrockFields, settings: Settings) -> Mapping[str, object]:
    """Source: LibreChat `api/server/services/Config/getEndpointsConfig.js`."""
    out: dict[str, object] = {"availableRegions": list(fields.available_regions)} if fields.available_regions else {}
    for name, variable in credentials.VARIABLES.items():
        said = f"userProvide{name[0].upper()}{name[1:]}"
        out[said] = (settings.env(variable) or "").strip() == USER_PROVIDED
    return out


def _address(fields: BedrockFields, settings: Settings) -> Address | None:
    """LibreChat takes a host's name alone for a reverse proxy; a whole URL does as well. None is AWS itself."""
    where, base = base_url(settings, REVERSE_PROXY, f"{PATH}.baseURL", fields.base_url)
    if not base:
        return None
    return address(where, base if "://" in base else f"https://{base}")


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
        raise Unusable.unset(f"{PATH}.guardrailConfig", error) from error
    return Raw(msgspec.json.encode({name: value for name, value in told.items() if value}))
