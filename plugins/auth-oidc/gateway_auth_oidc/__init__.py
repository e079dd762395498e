"""Bearer tokens of an OpenID provider: who may come in. Nothing but the settings is imported where none is trusted."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Authenticator, Lifespan, Section, Services, Settings, hookimpl

from .settings import OWN_PATH, PATH, AuthOidc, Oidc


@hookimpl
def register_sections() -> Sequence[Section]:
    return [Section(PATH, Oidc), Section(OWN_PATH, AuthOidc)]


@hookimpl
def register_authenticators(settings: Settings, services: Services) -> Sequence[Authenticator]:
    if not settings.one(Oidc).enabled:
        return []
    from .authenticator import TokenAuthenticator

    return [TokenAuthenticator.of(settings, services)]


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    if not settings.one(Oidc).enabled:
        return []
    from .lifespan import KeysLifespan
    from .signing_keys import SigningKeys
    from .trusted import trusted

    return [KeysLifespan(SigningKeys.of(services, trusted(settings)))]
