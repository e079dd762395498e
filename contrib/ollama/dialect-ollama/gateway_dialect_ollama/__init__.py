"""Ollama's own API, spoken by clients and to upstreams.

server.py, client.py  the two halves; they name the parts they are made of
outline.py            a client's body, peeked at
calls.py              a client's body to a Call: messages.py, options.py, tools.py, media.py
bodies.py             a Call to a request's body: turns.py, options.py, tools.py, media.py
edits.py              passthrough: a client's body, edited member by member
decoders.py, taps.py  an upstream's reply to events, and reading along: wire.py
encoders.py           events to a reply
models.py             lists of models, and what is known of one
refusals.py           errors, both ways
version.py            GET /api/version, which clients ask before they begin
ids.py, dates.py      ids that nobody gave, times as text
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import ClientDialect, RouteSpec, Section, ServerDialect, Services, Settings, hookimpl

from .client import OllamaClient
from .server import OllamaServer
from .version import Options, route


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("gateway.dialect-ollama", Options),)


@hookimpl
def register_dialects(settings: Settings) -> Sequence[ServerDialect | ClientDialect]:
    return (OllamaServer(), OllamaClient())


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    return (route(settings),)
