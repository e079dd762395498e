"""VertexProvider: Anthropic's models on Vertex AI, which has the model in the URL and the version in the body.

Source: https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai and Anthropic's SDK for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from msgspec import Raw, json, structs

from gateway import Address, Encoded, Outgoing, ServiceKey, Services, Settings, Target, TokenSource
from gateway.wire.jsontext import encode, members

from .endpoint import PATH, AnthropicEndpoint, Unusable, based, headers_of, resolved
from .names import defaults, listed
from .section import AnthropicFields, Vertex

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
REGION = "us-east5"
SET = {"anthropic_version": Raw(b'"vertex-2023-10-16"')}
DROP = frozenset(("model",))
COUNT = "/messages/count_tokens"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9:._-]*[a-z0-9])?", re.IGNORECASE)


class VertexProvider(AnthropicEndpoint):
    def __init__(self, settings: Settings, services: Services) -> None:
        super().__init__()
        self._models, self.open = _models(settings)
        self._tokens: TokenSource
        try:
            key = _key(settings)
            self._address = _address(settings, key)
            self._headers = headers_of(settings, {})
            self._tokens = _tokens(services, key)
        except Unusable as unusable:
            self.refuse(unusable)

    def target(self, model: str) -> Target:
        deployed = self._models.get(model, model)
        quirks = self._thinking.quirks(deployed)
        return Target(self, self.endpoint, deployed, quirks, SET, DROP, state_domain=self.endpoint)

    def adapt(self, encoded: Encoded, target: Target) -> Encoded:
        """The version is in the body alone, and for counting the model is there, too."""
        headers = {name: value for name, value in encoded.headers.items() if name.lower() != "anthropic-version"}
        if encoded.path != COUNT:
            return structs.replace(encoded, headers=headers)
        model = Raw(json.encode(target.model))
        body = encode({"model": model, **SET, **members(encoded.body)})
        return structs.replace(encoded, headers=headers, body=body)

    def url(self, outgoing: Outgoing) -> str:
        if outgoing.encoded.path == COUNT:
            return self._address.url("/count-tokens:rawPredict")
        verb = "streamRawPredict" if outgoing.exchange.envelope.stream else "rawPredict"
        return self._address.url(f"/{quote(outgoing.target.model, safe='@')}:{verb}")

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        return {"authorization": f"Bearer {await self._tokens.token()}", **self.configured(outgoing)}

    async def models(self) -> Sequence[str]:
        return tuple(self._models)


def _section(settings: Settings) -> Vertex:
    """One that is turned off is as none: the variables alone count."""
    section = settings.one(AnthropicFields).vertex
    return section if section is not None and section.enabled else Vertex()


def _models(settings: Settings) -> tuple[Mapping[str, str], bool]:
    """Vertex AI's names by ours, and whether other names may be called."""
    section = _section(settings)
    if isinstance(section.models, dict):
        own = {name: "" if isinstance(one, bool) else one.deployment_name for name, one in section.models.items()}
    else:
        names = section.models or listed(settings.env("ANTHROPIC_MODELS")) or settings.one(AnthropicFields).models
        own = dict.fromkeys(names, "")
    if not own:
        return {name: name for name in defaults().vertex.names}, True
    shared = section.deployment_name
    return {name: deployed or shared or name for name, deployed in own.items()}, False


def _key(settings: Settings) -> ServiceKey:
    where, text = f"{PATH}.vertex.serviceKeyFile", _section(settings).service_key_file
    for variable in ("GOOGLE_SERVICE_KEY_FILE", "GOOGLE_SERVICE_KEY"):
        if not text:
            where, text = variable, settings.env(variable) or ""
    if not text:
        raise Unusable("GOOGLE_SERVICE_KEY_FILE", "it is not set")
    try:
        return ServiceKey.read(resolved(settings, where, text))
    except ValueError as error:
        raise Unusable(where, str(error)) from error


def _address(settings: Settings, key: ServiceKey) -> Address:
    """Where models are, up to their names."""
    section = _section(settings)
    region = _named(settings, f"{PATH}.vertex.region", section.region, "ANTHROPIC_VERTEX_REGION", REGION)
    project = _named(settings, f"{PATH}.vertex.projectId", section.project_id, "VERTEX_PROJECT_ID", key.project_id)
    base = settings.env("ANTHROPIC_VERTEX_BASE_URL") or f"https://{host(region)}/v1"
    try:
        address = based(base)
        return Address(address.url(f"/projects/{project}/locations/{region}/publishers/anthropic/models"))
    except ValueError as error:
        raise Unusable("ANTHROPIC_VERTEX_BASE_URL", str(error)) from error


def _named(settings: Settings, path: str, own: str, variable: str, default: str) -> str:
    """A name that goes into a URL: from the section, the variable, or the default."""
    if own:
        where, text = path, resolved(settings, path, own)
    else:
        where, text = variable, settings.env(variable) or default
    if not text:
        raise Unusable(where, "it is not set, and the service account's key names none")
    if not _NAME.fullmatch(text):
        raise Unusable(where, "it has characters that such a name does not have")
    return text


def host(region: str) -> str:
    if region == "global":
        return "aiplatform.googleapis.com"
    if region in ("us", "eu"):
        return f"aiplatform.{region}.rep.googleapis.com"
    return f"{region}-aiplatform.googleapis.com"


def _tokens(services: Services, key: ServiceKey) -> TokenSource:
    try:
        return TokenSource(services.upstream, services.clock, services.log, "endpoint anthropic", key, SCOPE)
    except ValueError as error:
        raise Unusable("the service account's key", str(error)) from error
