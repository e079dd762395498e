"""AzureDeployment: one model of a group, and the place that it is at."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct, field, json

from gateway import BadCall, HeaderTemplates, HttpProvider, Outgoing, Quirks, Secret, Target
from gateway.endpoint import brought, brought_address

from .place import Parts, Place, is_label, place_of

ENDPOINT = "azureOpenAI"
CHAT, RESPONSES, MEDIA = "openai-chat", "open-responses", "openai-media"
NAMES = {"azureOpenAIApiKey": "apiKey"}
"""LibreChat's client keeps a user's key for Azure with what it opens, under these names."""


class Plan(Struct, frozen=True):
    """What the settings say of a deployment. own_key, own_url: callers bring theirs.

    responses_only: it does not speak chat.
    """

    group: str
    parts: Parts
    headers: HeaderTemplates
    quirks: Quirks
    set: Mapping[str, Raw]
    drop: frozenset[str]
    own_key: bool = False
    own_url: bool = False
    responses_only: bool = False


class _Own(Struct, frozen=True):
    """What a caller brings as `apiKey`: the key alone, or LibreChat's JSON of it and of what it opens."""

    key: Secret = field(name="azureOpenAIApiKey", default=Secret(""))
    instance: str = field(name="azureOpenAIApiInstanceName", default="")
    deployment: str = field(name="azureOpenAIApiDeploymentName", default="")
    version: str = field(name="azureOpenAIApiVersion", default="")


def _secret(kind: type[Secret], value: object) -> Secret:
    if isinstance(value, str):
        return kind(value)
    raise ValueError(f"Expected `str`, got `{type(value).__name__}`")


_own = json.Decoder(_Own, dec_hook=_secret)


class AzureDeployment(HttpProvider):
    """place: None where callers have a word in it."""

    endpoint = ENDPOINT
    kind = ENDPOINT
    user_key_names = NAMES

    def __init__(self, plan: Plan, place: Place | None) -> None:
        self._plan, self._place = plan, place
        foreign = plan.parts.serverless and not (place and place.undated)
        newer = (RESPONSES, MEDIA) if plan.responses_only else (CHAT, RESPONSES, MEDIA)
        self.dialects = (CHAT, MEDIA) if foreign else newer
        provided = (("apiKey", plan.own_key or plan.own_url), ("baseURL", plan.own_url))
        self.user_provides = tuple(name for name, own in provided if own)

    def url(self, outgoing: Outgoing) -> str:
        return self._at(outgoing).url(outgoing.encoded.path, outgoing.encoded.query)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        """What is configured is not shown to a server that the caller named."""
        self._at(outgoing)
        filled = self._plan.headers.fill(outgoing.exchange.principal)
        if not self.user_provides or outgoing.user_key is None:
            return {} if self._plan.own_url else filled
        own = _brought(outgoing)
        key = key_headers(own.key.reveal(), self._plan.parts)
        return key if self._plan.own_url or self._elsewhere(own) else {**key, **filled}

    def elsewhere(self, deployment: str) -> AzureDeployment:
        """The same with another deployment, which a caller named. Raises BadCall."""
        parts = msgspec.structs.replace(self._plan.parts, deployment=deployment)
        plan = msgspec.structs.replace(self._plan, parts=parts)
        try:
            return AzureDeployment(plan, place_of(parts) if self._place else None)
        except ValueError as error:
            raise BadCall("The model's name cannot be part of a URL.", param="model", code="invalid_value") from error

    def target(self, model: str) -> Target:
        """The upstream knows the deployment; the name that the operator gave it stays the model's."""
        deployment = self._plan.parts.deployment
        renamed = {"model": Raw(json.encode(deployment))} if deployment and deployment != model else {}
        return Target(
            provider=self,
            endpoint=self.endpoint,
            model=model,
            quirks=self._plan.quirks,
            set={**renamed, **self._plan.set},
            drop=self._plan.drop,
            state_domain=f"{self.endpoint}/{self._plan.group}",
        )

    def _elsewhere(self, own: _Own) -> bool:
        """Whether it is a resource of the caller's."""
        parts = self._plan.parts
        return bool(own.instance) and own.instance != parts.instance and parts.at_instance

    def _at(self, outgoing: Outgoing) -> Place:
        if self._place is not None:
            return self._place
        parts = _own_parts(_brought(outgoing), self._plan.parts)
        if self._plan.own_url:
            parts = msgspec.structs.replace(parts, base=brought_address(outgoing).verbatim)
        try:
            return place_of(parts)
        except ValueError as error:
            raise BadCall(f"What you brought for {self.endpoint} cannot be used: {error}.") from error


class Unavailable(AzureDeployment):
    """A model of a group that cannot be called. why: in words for the operator."""

    dialects = (CHAT,)

    def __init__(self, why: str) -> None:
        self.unavailable = why
        self.user_provides = ()

    def target(self, model: str) -> Target:
        return HttpProvider.target(self, model)


def key_headers(key: str, parts: Parts) -> dict[str, str]:
    """Serverless models of other makers take the key as a bearer token only; LibreChat sends both."""
    return {"api-key": key, "authorization": f"Bearer {key}"} if parts.serverless else {"api-key": key}


def _brought(outgoing: Outgoing) -> _Own:
    """Raises BadCall."""
    text = brought(outgoing, "apiKey")
    if not text.startswith("{"):
        return _Own(Secret(text))
    try:
        own = _own.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadCall(f"Your apiKey for {ENDPOINT} is neither a key nor LibreChat's JSON of one.") from error
    key = own.key.reveal()
    if not (key.isascii() and key.isprintable() and key):
        raise BadCall(
            f"Your apiKey for {ENDPOINT} has no azureOpenAIApiKey in it that can be sent.", code="no_user_key"
        )
    return own


def _own_parts(own: _Own, parts: Parts) -> Parts:
    """A caller's instance is a resource's name only: a host could be anyone's."""
    if own.instance and not is_label(own.instance):
        raise BadCall(f"Your azureOpenAIApiInstanceName for {ENDPOINT} is not the name of a resource.")
    return msgspec.structs.replace(
        parts,
        instance=own.instance or parts.instance,
        deployment=own.deployment or parts.deployment,
        version=own.version or parts.version,
    )
