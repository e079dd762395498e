"""API keys: who may come in."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import (
    Authenticator,
    Lifespan,
    Permission,
    RemoteAgents,
    RolePermissions,
    RouteSpec,
    Section,
    Services,
    Settings,
    hookimpl,
)

from .admin_routes import admin_routes
from .authenticator import KeyAuthenticator
from .cache import KeyCache
from .commands import keys
from .first_key import FirstKeyLifespan
from .group_commands import groups
from .named_users import named_users
from .operator_key import operator_key
from .own_keys import OwnKeys
from .scoped import ScopePermission
from .settings import ApiKey, AuthKeys
from .switched_off import SwitchedOff
from .user_commands import users
from .watch import RevisionWatch


@hookimpl
def register_sections() -> Sequence[Section]:
    return [
        Section("gateway.auth-keys", AuthKeys),
        Section("endpoints.agents.remoteApi.auth.apiKey", ApiKey),
        Section("interface.remoteAgents", RemoteAgents),
    ]


@hookimpl
def register_authenticators(settings: Settings, services: Services) -> Sequence[Authenticator]:
    given, operator = settings.one(AuthKeys), operator_key(settings)
    cache = KeyCache.of(services, given.grace)
    if not settings.one(ApiKey).enabled:
        return [KeyAuthenticator(None, cache, services.clock, operator), SwitchedOff()]
    return [KeyAuthenticator(services.store, cache, services.clock, operator, named_users(services.store, given))]


@hookimpl
def register_permissions(settings: Settings, services: Services) -> Sequence[Permission]:
    return [ScopePermission()]


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    own = OwnKeys(services.store, services.clock, RolePermissions.of(settings, services))
    return [
        RouteSpec("POST", "/api/api-keys", own.create, summary="Make an API key of one's own, shown once"),
        RouteSpec("GET", "/api/api-keys", own.list, summary="One's own API keys, newest first, without their text"),
        RouteSpec("GET", "/api/api-keys/{id}", own.get, summary="One of them"),
        RouteSpec("DELETE", "/api/api-keys/{id}", own.delete, summary="Revoke one of them"),
        *admin_routes(services),
    ]


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    if not settings.one(ApiKey).enabled:
        return []
    cache = KeyCache.of(services, settings.one(AuthKeys).grace)
    return [RevisionWatch(services.store, cache, services.log), FirstKeyLifespan(settings, services)]


@hookimpl
def register_commands() -> Sequence[object]:
    return [keys, users, groups]
