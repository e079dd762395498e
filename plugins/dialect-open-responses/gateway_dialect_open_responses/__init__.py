"""Open Responses, spoken by clients (`server.py`) and to upstreams (`client.py`), and what its clients come back to."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import (
    ClientDialect,
    Keeper,
    Lifespan,
    Section,
    ServerDialect,
    Services,
    Settings,
    hookimpl,
)

from .client import OpenResponsesClient
from .server import OpenResponsesServer
from .state.made import state_of
from .state.settings import StateSettings


@hookimpl
def register_dialects(settings: Settings) -> Sequence[ServerDialect | ClientDialect]:
    return [OpenResponsesServer(), OpenResponsesClient()]


@hookimpl
def register_sections() -> Sequence[Section]:
    return [Section("gateway.dialect-open-responses", StateSettings)]


@hookimpl
def register_keepers(settings: Settings, services: Services) -> Sequence[Keeper]:
    state = state_of(settings, services)
    return () if state is None else (state.keeper,)


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    state = state_of(settings, services)
    return () if state is None else (state.behind, state.sweeper)
