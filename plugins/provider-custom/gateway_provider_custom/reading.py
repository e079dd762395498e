"""What an entry says about where to send and what to prove there, or why that cannot be known."""

from __future__ import annotations

from urllib.parse import urlsplit

from gateway import Address, HeaderTemplates, Settings
from gateway.endpoint import USER_PROVIDED, Known, Unusable
from gateway.endpoint.reading import address, header_templates, resolved

from .section import CustomEndpoint
from .style import Style


def base_of(entry: CustomEndpoint, settings: Settings) -> str:
    """The entry's base URL, "" where it gives none. Raises Unusable."""
    return resolved(settings, "baseURL", entry.base_url)


def host_in(base: str) -> str:
    """Of a URL, however wrong the rest of it may be."""
    try:
        return urlsplit(base).hostname or ""
    except ValueError:
        return ""


def address_of(base: str, known: Known) -> Address | None:
    """None where callers bring theirs. Raises Unusable."""
    if base == USER_PROVIDED:
        return None
    return address("baseURL", _given("baseURL", base or known.base_url or ""))


def key_of(entry: CustomEndpoint, known: Known, settings: Settings) -> str | None:
    """None where callers bring theirs. Raises Unusable."""
    key = resolved(settings, "apiKey", entry.api_key.reveal()) or settings.env(known.key or "") or ""
    return None if key.strip() == USER_PROVIDED else _given("apiKey", key)


def headers_of(entry: CustomEndpoint, key: str | None, style: Style, settings: Settings) -> HeaderTemplates:
    """The key where its upstream wants it, unless a configured header is there. Raises Unusable."""
    ours = {} if key is None else {style.header: style.prefix + key}
    return header_templates(settings, "headers", entry.headers, ours, {style.header: "apiKey"})


def _given(key: str, value: str) -> str:
    if not value.strip():
        raise Unusable(key, "it is missing, so the endpoint is skipped", "give it, or take the endpoint out")
    return value.strip()
