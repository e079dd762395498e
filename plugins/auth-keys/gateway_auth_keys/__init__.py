"""API keys: who may come in."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Authenticator, Lifespan, Section, Services, Settings, hookimpl

from .authenticator import KeyAuthenticator
from .cache import KeyCache
from .commands import keys, users
from .first_key import FirstKeyLifespan
from .operator_key import operator_key
from .settings import AuthKeys
from .watch import RevisionWatch


@hookimpl
def register_sections() -> Sequence[Section]:
    return [Section("gateway.auth-keys", AuthKeys)]


@hookimpl
def register_authenticators(settings: Settings, services: Services) -> Sequence[Authenticator]:
    cache = KeyCache.of(services, settings.one(AuthKeys).grace)
    return [KeyAuthenticator(services.store, cache, services.clock, operator_key(settings))]


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    cache = KeyCache.of(services, settings.one(AuthKeys).grace)
    return [RevisionWatch(services.store, cache, services.log), FirstKeyLifespan(settings, services)]


@hookimpl
def register_commands() -> Sequence[object]:
    return [keys, users]
