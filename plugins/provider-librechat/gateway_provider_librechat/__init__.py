"""A LibreChat's Agents API as upstream: its agents are models, and its users' own keys let them in.

section.py              the settings; endpoint.py: the endpoint that they make
callers.py              whose keys LibreChat takes, and what they may call; authenticator.py, directory.py
client.py               the dialect: write_call.py, write_messages.py, write_items.py
decoders.py             replies: read_chat.py, tool_calls.py, read_responses.py; refusals.py, usages.py
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import (
    Authenticator,
    ClientDialect,
    Directory,
    Provider,
    Section,
    ServerDialect,
    Services,
    Settings,
    hookimpl,
)

from .section import LibreChat


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("gateway.provider-librechat", LibreChat),)


@hookimpl
def register_dialects(settings: Settings) -> Sequence[ServerDialect | ClientDialect]:
    if not settings.one(LibreChat).url:
        return ()
    from .client import AgentsClient

    return (AgentsClient(),)


@hookimpl
def register_authenticators(settings: Settings, services: Services) -> Sequence[Authenticator]:
    if not settings.one(LibreChat).forwards:
        return ()
    from .authenticator import LibreChatAuthenticator
    from .endpoint import callers_of

    callers = callers_of(settings, services)
    return () if callers is None else (LibreChatAuthenticator(callers),)


@hookimpl
def register_directories(settings: Settings, services: Services) -> Sequence[Directory]:
    if not settings.one(LibreChat).forwards:
        return ()
    from .directory import OwnAgents
    from .endpoint import callers_of

    callers = callers_of(settings, services)
    return () if callers is None else (OwnAgents(callers, services.endpoints, settings),)


@hookimpl
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:
    if not settings.one(LibreChat).url:
        return ()
    from .endpoint import endpoint

    return (endpoint(settings, services),)
