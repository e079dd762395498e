"""What LibreChat's variables and `endpoints.openAI` say about where to send and what to prove there."""

from __future__ import annotations

import re

from gateway import (
    Address,
    BadHeader,
    EndpointFields,
    HeaderTemplates,
    Settings,
    UnsetVariable,
    endpoint_headers,
)
from gateway.endpoint import USER_PROVIDED

PATH = "endpoints.openAI"
OFFICIAL = "https://api.openai.com/v1"
PROXY = "OPENAI_REVERSE_PROXY"
VARIABLES = {"authorization": "OPENAI_API_KEY", "openai-organization": "OPENAI_ORGANIZATION"}
_REQUEST_PATH = re.compile(r"/(?:(?:chat/)?completions|responses|models)/?(?=\?|$)")


class OpenAIFields(EndpointFields, frozen=True, kw_only=True, rename="camel"):
    """OpenAI. Acted on: headers, and baseURL where OPENAI_REVERSE_PROXY is not set."""


class Unusable(Exception):
    """It cannot be called. where: a variable's name or a path. The text has why, in words for the operator."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(why)
        self.where = where


def names_in(settings: Settings) -> tuple[str, ...]:
    return tuple(name.strip() for name in (settings.env("OPENAI_MODELS") or "").split(",") if name.strip())


def base_below(given: Address) -> Address:
    """LibreChat takes a base URL or the URL of a request; either is a base here."""
    return Address(_REQUEST_PATH.sub("", given.verbatim))


def address_of(settings: Settings) -> Address | None:
    """None where callers bring theirs. Raises Unusable."""
    where, text = PROXY, settings.env(PROXY)
    if text is None:
        where, text = f"{PATH}.baseURL", settings.one(OpenAIFields).base_url or OFFICIAL
    try:
        base = settings.resolve(text).strip()
        return None if base == USER_PROVIDED else base_below(Address(base))
    except UnsetVariable as error:
        raise Unusable(where, f"not set: {error}") from error
    except ValueError as error:
        raise Unusable(where, str(error)) from error


def key_of(settings: Settings) -> str | None:
    """None where callers bring theirs. Raises Unusable."""
    key = (settings.env("OPENAI_API_KEY") or "").strip()
    if not key:
        raise Unusable("OPENAI_API_KEY", "it is not set")
    return None if key == USER_PROVIDED else key


def headers_of(settings: Settings, key: str | None) -> HeaderTemplates:
    """Raises Unusable."""
    ours = {} if key is None else {"authorization": f"Bearer {key}"}
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
