"""LettaBot's API server, in front of any agent or model of the gateway.

server.py      the dialect; it names the parts it is made of
calls.py       a client's body: peeked at, and as a Call
encoders.py    events to a reply: one JSON text, or LettaBot's events
answers.py     what is answered, as structs
refusals.py    errors
status.py      who can be talked to
credentials.py, authenticator.py    the key that LettaBot's clients have
memory.py      what agents that remember are told of earlier calls
runs.py        POST /api/v1/chat/async, and what becomes of it
results.py, files.py    where that is kept
settings.py    the section
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import (
    Authenticator,
    ClientDialect,
    Keeper,
    Memory,
    RouteSpec,
    Section,
    ServerDialect,
    Services,
    Settings,
    hookimpl,
)

from .authenticator import authenticators
from .memory import LettaBotKeeper
from .runs import routes
from .server import LettaBotServer
from .settings import Options


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("gateway.dialect-lettabot", Options),)


@hookimpl
def register_dialects(settings: Settings) -> Sequence[ServerDialect | ClientDialect]:
    return (LettaBotServer(),)


@hookimpl
def register_authenticators(settings: Settings, services: Services) -> Sequence[Authenticator]:
    return authenticators(settings)


@hookimpl
def register_keepers(settings: Settings, services: Services) -> Sequence[Keeper]:
    memory = Memory.of(settings, services)
    return (LettaBotKeeper(memory),) if memory is not None else ()


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    return routes(settings.one(Options), services)
