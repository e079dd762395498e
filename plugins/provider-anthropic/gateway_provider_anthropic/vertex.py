"""VertexProvider: Anthropic's models on Vertex AI, which has the model in the URL and the version in the body.

Source: https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai and Anthropic's SDK for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Raw, json, structs

from gateway import Address, Encoded, Outgoing, ServiceKey, Services, Settings, Target
from gateway.endpoint import AccessTokens, DefaultNames, Unusable, listed
from gateway.endpoint.reading import resolved, service_key, token_source, url_name
from gateway.wire.jsontext import encode, members
from gateway.wire.segments import model_segment

from . import machine
from .endpoint import PATH, AnthropicEndpoint, based, headers_of
from .section import AnthropicFields, Vertex

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
REGION = "us-east5"
SET = {"anthropic_version": Raw(b'"vertex-2023-10-16"')}
DROP = frozenset(("model",))
COUNT = "/messages/count_tokens"
MODELS = Path(__file__).with_name("vertex_models.json")


class VertexProvider(AnthropicEndpoint):
    def __init__(self, settings: Settings, services: Services) -> None:
        super().__init__()
        self._models, self.open = _models(settings)
        self._tokens: AccessTokens
        try:
            key = _key(settings)
            self._address = _address(settings, key.project_id if key else "")
            self._headers = headers_of(settings, {})
            self._tokens = (
                token_source(services, self.endpoint, key, SCOPE)
                if key
                else machine.tokens(settings, services, self.endpoint)
            )
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
        return self._address.url(f"/{model_segment(outgoing.target.model, safe='@')}:{verb}")

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
        return {name: name for name in DefaultNames.read(MODELS).names}, True
    shared = section.deployment_name
    return {name: deployed or shared or name for name, deployed in own.items()}, False


def _key(settings: Settings) -> ServiceKey | None:
    """None where the machine's own account is to be used. Raises Unusable."""
    where, text = f"{PATH}.vertex.serviceKeyFile", _section(settings).service_key_file
    for variable in ("GOOGLE_SERVICE_KEY_FILE", "GOOGLE_SERVICE_KEY"):
        if not text:
            where, text = variable, settings.env(variable) or ""
    if not text and machine.is_there(settings):
        return None
    if not text:
        raise Unusable("GOOGLE_SERVICE_KEY_FILE", "it is not set")
    return service_key(where, resolved(settings, where, text))


def _address(settings: Settings, own: str) -> Address:
    """Where models are, up to their names. own: the key's own project."""
    section = _section(settings)
    region = _named(settings, f"{PATH}.vertex.region", section.region, "ANTHROPIC_VERTEX_REGION", REGION)
    project = _named(settings, f"{PATH}.vertex.projectId", section.project_id, "VERTEX_PROJECT_ID", own)
    variable = "ANTHROPIC_VERTEX_BASE_URL"
    base = based(variable, settings.env(variable) or f"https://{host(region)}/v1")
    return Address(base.url(f"/projects/{project}/locations/{region}/publishers/anthropic/models"))


def _named(settings: Settings, path: str, own: str, variable: str, default: str) -> str:
    """From the section, the variable, or the default."""
    if own:
        return url_name(path, resolved(settings, path, own))
    return url_name(variable, settings.env(variable) or default)


def host(region: str) -> str:
    if region == "global":
        return "aiplatform.googleapis.com"
    if region in ("us", "eu"):
        return f"aiplatform.{region}.rep.googleapis.com"
    return f"{region}-aiplatform.googleapis.com"
