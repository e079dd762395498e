"""TokenAuthenticator: a bearer token to the principal whom it names."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence

from cachetools import TTLCache

from gateway import Authenticator, Credential, Finding, Inbound, Principal, Services, Settings, Unavailable

from .claims import Claims, check_ended
from .peek import may_be_token
from .people import People, provider_of
from .signing_keys import SigningKeys
from .trusted import findings, trusted
from .verifier import Verifier

USER_SECONDS = 2.0
"""After so long the store is asked again for the user of a token that is kept."""
MOST_KEPT = 10_000


class Proven:
    """A token that was checked, and whom it means. asked: when the store was, by the monotonic clock."""

    __slots__ = ("asked", "claims", "principal")

    def __init__(self, claims: Claims, principal: Principal, asked: float) -> None:
        self.claims, self.principal, self.asked = claims, principal, asked


class TokenAuthenticator(Authenticator):
    """people: None without a store. leeway, kept: as in AuthOidc. clock: epoch seconds. since: seconds, monotonic."""

    def __init__(
        self,
        verifier: Verifier,
        people: People | None,
        leeway: float,
        kept: float,
        clock: Callable[[], float],
        since: Callable[[], float] = time.monotonic,
        found: Sequence[Finding] = (),
    ) -> None:
        self._verifier, self._people = verifier, people
        self._leeway, self._clock, self._since = leeway, clock, since
        self._found = found
        self._proven: TTLCache[bytes, Proven] = TTLCache(MOST_KEPT, kept, since)

    @classmethod
    def of(cls, settings: Settings, services: Services) -> TokenAuthenticator:
        wanted, store, found = trusted(settings), services.store, tuple(findings(settings))
        own = wanted.own
        verifier = Verifier(wanted, SigningKeys.of(services, wanted), services.clock)
        people = None
        if store is not None:
            people = People(store.users, store.identities, provider_of(wanted.issuer), own.users, services.log)
        return cls(verifier, people, own.leeway, own.kept, services.clock, found=found)

    def findings(self) -> Sequence[Finding]:
        return self._found

    async def authenticate(self, inbound: Inbound, credential: Credential | None) -> Principal | None:
        """None for what is no token of this issuer.

        Raises Unauthenticated for a bad one, Unavailable while it cannot be checked.
        """
        if credential is None:
            return None
        text = credential.secret.reveal()
        if not may_be_token(text):
            return None
        digest = hashlib.sha256(text.encode("ascii")).digest()
        proven = self._proven.get(digest)
        if proven is None:
            return await self._prove(text, digest)
        check_ended(proven.claims.expires, self._clock(), self._leeway)
        if self._since() - proven.asked >= USER_SECONDS:
            await self._ask_again(proven, digest)
        return proven.principal

    async def _prove(self, text: str, digest: bytes) -> Principal | None:
        claims = await self._verifier.verify(text)
        if claims is None:
            return None
        if self._people is None:
            raise Unavailable("There is no store of users here, so nobody is known; install plugins/store-sql.")
        asked = self._since()
        principal = await self._people.principal(claims)
        self._proven[digest] = Proven(claims, principal, asked)
        return principal

    async def _ask_again(self, proven: Proven, digest: bytes) -> None:
        """One asks, and the others go on with what was known; so does everybody for as long as the store is away."""
        proven.asked = self._since()
        assert self._people is not None
        try:
            proven.principal = await self._people.principal(proven.claims)
        except Unavailable:
            pass
        except BaseException:
            self._proven.pop(digest, None)
            raise
