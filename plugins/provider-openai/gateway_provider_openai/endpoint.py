"""OpenAIProvider: the endpoint `openAI`, from LibreChat's variables and `endpoints.openAI`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gateway import (
    Address,
    BadHeader,
    EndpointFields,
    Finding,
    HeaderTemplates,
    HttpProvider,
    ModelList,
    Outgoing,
    Principal,
    Services,
    Settings,
    UnsetVariable,
    endpoint_enabled,
    endpoint_headers,
)

PATH = "endpoints.openAI"
OFFICIAL = "https://api.openai.com/v1"
USER_PROVIDED = "user_provided"
NOBODY = Principal(user_id="", role="")
VARIABLES = {"authorization": "OPENAI_API_KEY", "openai-organization": "OPENAI_ORGANIZATION"}
_CHAT = re.compile(r"text-davinci-003|gpt-|o\d+|chat-latest")
_NOT_CHAT = re.compile(r"audio|realtime")
_REQUEST_PATH = re.compile(r"/(?:(?:chat/)?completions|responses|models)/?(?=\?|$)")


class OpenAIFields(EndpointFields, frozen=True, kw_only=True, rename="camel"):
    """OpenAI. Acted on: headers, and baseURL where OPENAI_REVERSE_PROXY is not set."""


class Unusable(Exception):
    """It cannot be called. where: a variable's name or a path. The text has why, in words for the operator."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(why)
        self.where = where


class OpenAIProvider(HttpProvider):
    endpoint = "openAI"
    dialects = ("openai-chat", "open-responses")

    def __init__(self, settings: Settings, services: Services) -> None:
        self._finding: Finding | None = None
        self._address: Address
        self._headers: HeaderTemplates
        self._listing: ModelList | None = None
        self._names = _names(settings)
        self.open = not self._names
        try:
            self._address = _address(settings)
            self._headers = _headers(settings)
        except Unusable as unusable:
            self.unavailable = f"{unusable.where}: {unusable}"
            self._finding = Finding(PATH, self.unavailable, "set it in the environment or in .env", "warning")
        else:
            self._listing = None if self._names else _listing(self._address, self._headers, services)

    def url(self, outgoing: Outgoing) -> str:
        return self._address.url(outgoing.encoded.path, outgoing.encoded.query)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        return self._headers.fill(outgoing.exchange.principal)

    async def models(self) -> Sequence[str]:
        return await self._listing.names() if self._listing else self._names

    def findings(self) -> Sequence[Finding]:
        return (self._finding,) if self._finding else ()


def endpoint(settings: Settings, services: Services) -> OpenAIProvider | None:
    """None where nothing asks for it, or ENDPOINTS leaves it out."""
    asked_for = settings.env("OPENAI_API_KEY") is not None or settings.given(PATH)
    return OpenAIProvider(settings, services) if asked_for and endpoint_enabled(settings, "openAI") else None


def _names(settings: Settings) -> tuple[str, ...]:
    return tuple(name.strip() for name in (settings.env("OPENAI_MODELS") or "").split(",") if name.strip())


def _address(settings: Settings) -> Address:
    """LibreChat takes a base URL or the URL of a request; either is a base here."""
    where, text = "OPENAI_REVERSE_PROXY", settings.env("OPENAI_REVERSE_PROXY")
    if text is None:
        where, text = f"{PATH}.baseURL", settings.one(OpenAIFields).base_url or OFFICIAL
    try:
        base = settings.resolve(text).strip()
    except UnsetVariable as error:
        raise Unusable(where, f"not set: {error}") from error
    if base == USER_PROVIDED:
        raise Unusable(where, "user_provided addresses are not supported yet")
    try:
        return Address(_REQUEST_PATH.sub("", base))
    except ValueError as error:
        raise Unusable(where, str(error)) from error


def _headers(settings: Settings) -> HeaderTemplates:
    key = (settings.env("OPENAI_API_KEY") or "").strip()
    if not key:
        raise Unusable("OPENAI_API_KEY", "it is not set")
    if key == USER_PROVIDED:
        raise Unusable("OPENAI_API_KEY", "user_provided keys are not supported yet")
    ours = {"authorization": f"Bearer {key}"}
    if organization := settings.env("OPENAI_ORGANIZATION"):
        ours["openai-organization"] = organization
    configured = endpoint_headers(settings, settings.one(OpenAIFields).headers)
    try:
        return HeaderTemplates.compile(settings, configured, ours)
    except UnsetVariable as error:
        raise Unusable(f"{PATH}.headers", f"not set: {error}") from error
    except BadHeader as error:
        where = f"{PATH}.headers.{error.name}" if error.name in configured else VARIABLES[error.name]
        raise Unusable(where, str(error)) from error


def _listing(address: Address, headers: HeaderTemplates, services: Services) -> ModelList:
    return ModelList(
        services.upstream,
        services.clock,
        services.log,
        "endpoint openAI",
        address.url("/models"),
        headers.fill(NOBODY),
        select=_chat_models if address.verbatim == OFFICIAL else _all_models,
    )


def _chat_models(names: tuple[str, ...]) -> tuple[str, ...]:
    """OpenAI lists everything it has, embeddings and speech too. Source: LibreChat `endpoints/models.ts`."""
    return tuple(name for name in names if _CHAT.search(name) and not _NOT_CHAT.search(name))


def _all_models(names: tuple[str, ...]) -> tuple[str, ...]:
    return names
