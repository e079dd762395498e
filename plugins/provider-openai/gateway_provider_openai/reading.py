"""What LibreChat's variables and `endpoints.openAI` say about where to send and what to prove there."""

from __future__ import annotations

import re

from gateway import Address, EndpointFields, HeaderTemplates, Settings
from gateway.endpoint import USER_PROVIDED, Unusable
from gateway.endpoint.reading import address, base_url, header_templates

PATH = "endpoints.openAI"
OFFICIAL = "https://api.openai.com/v1"
VARIABLES = {"authorization": "OPENAI_API_KEY", "openai-organization": "OPENAI_ORGANIZATION"}
_REQUEST_PATH = re.compile(r"/(?:(?:chat/)?completions|responses|models)/?(?=\?|$)")


class OpenAIFields(EndpointFields, frozen=True, kw_only=True, rename="camel"):
    """OpenAI. Acted on: headers, and baseURL where OPENAI_REVERSE_PROXY is not set."""


def base_below(given: Address) -> Address:
    """LibreChat takes a base URL or the URL of a request; either is a base here."""
    return Address(_REQUEST_PATH.sub("", given.verbatim))


def address_of(settings: Settings) -> Address | None:
    """None where callers bring theirs. Raises Unusable."""
    configured = settings.one(OpenAIFields).base_url or OFFICIAL
    where, base = base_url(settings, "OPENAI_REVERSE_PROXY", f"{PATH}.baseURL", configured)
    return None if base == USER_PROVIDED else base_below(address(where, base))


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
    return header_templates(settings, f"{PATH}.headers", settings.one(OpenAIFields).headers, ours, VARIABLES)
