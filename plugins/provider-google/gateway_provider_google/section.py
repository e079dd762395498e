"""The keys of `endpoints.google`, as LibreChat has them."""

from __future__ import annotations

from gateway import EndpointFields


class GoogleFields(EndpointFields, frozen=True, kw_only=True, rename="camel"):
    """Gemini. Acted on: headers, and baseURL where GOOGLE_REVERSE_PROXY is not set."""
