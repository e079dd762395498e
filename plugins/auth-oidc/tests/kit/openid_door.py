"""Door: an authenticator between an OpenID provider and a store, whose clocks stand still until they are told to go."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway_auth_oidc.authenticator import TokenAuthenticator
from gateway_auth_oidc.people import People, provider_of
from gateway_auth_oidc.publication import Publication
from gateway_auth_oidc.settings import AuthOidc
from gateway_auth_oidc.signing_keys import SigningKeys
from gateway_auth_oidc.trusted import trusted
from gateway_auth_oidc.verifier import Verifier
from openid_issuer import OpenIdIssuer

from gateway import MOUNT, Credential, Inbound, Operation, Principal, Secret, Services, Settings


class Clock:
    """epoch: of the day. since: monotonic. Both go together."""

    def __init__(self) -> None:
        self._began, self._passed = time.time(), 0.0

    def epoch(self) -> float:
        return self._began + self._passed

    def since(self) -> float:
        return self._passed

    def go(self, seconds: float) -> None:
        self._passed += seconds


@dataclass
class Door:
    """What lets in, and what it is made of."""

    issuer: OpenIdIssuer
    clock: Clock
    keys: SigningKeys
    authenticator: TokenAuthenticator

    @classmethod
    def of(cls, issuer: OpenIdIssuer, settings: Settings, services: Services) -> Door:
        assert services.store is not None
        wanted, clock, log = trusted(settings), Clock(), services.log
        own: AuthOidc = wanted.own
        publication = Publication(services.upstream, wanted, clock.since)
        keys = SigningKeys(publication.keys, log, wanted.renew, own.stale, clock.since)
        store = services.store
        people = People(store.users, store.identities, provider_of(wanted.issuer), own.users, log)
        verifier = Verifier(wanted, keys, clock.epoch)
        found = TokenAuthenticator(verifier, people, own.leeway, own.kept, clock.epoch, clock.since)
        return cls(issuer, clock, keys, found)

    async def ask(self, token: str) -> Principal | None:
        return await self.authenticator.authenticate(inbound(), Credential("bearer", Secret(token)))


Open = Callable[..., Door]


def inbound() -> Inbound:
    async def nothing() -> bytes:
        return b""

    return Inbound(Operation("generate", "POST", "/x"), MOUNT, {}, {}, {}, "192.0.2.1", nothing)
