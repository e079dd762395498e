"""Accounts of users: LibreChat's routes to register, log in and come back, and the tokens that let them in."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Authenticator, Lifespan, RouteSpec, Section, Services, Settings, hookimpl

from .admin_routes import admin_routes
from .authenticator import JwtAuthenticator
from .commands import logins
from .desk import Desk
from .lifespan import DeskLifespan
from .policy import policy
from .routes import routes
from .settings import OWN_PATH, AuthJwt, Registration


@hookimpl
def register_sections() -> Sequence[Section]:
    return [Section(OWN_PATH, AuthJwt), Section("registration", Registration)]


@hookimpl
def register_authenticators(settings: Settings, services: Services) -> Sequence[Authenticator]:
    return [JwtAuthenticator.of(settings, services)]


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    allowed = policy(settings, services.store)
    allowed.sign_in.offer(services.state)
    return [*routes(Desk.of(settings, services, allowed)), *admin_routes(settings, services)]


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    return [DeskLifespan(services.state)]


@hookimpl
def register_commands() -> Sequence[object]:
    return [logins]
