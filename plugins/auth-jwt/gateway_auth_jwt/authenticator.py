"""JwtAuthenticator: an access token to the user who logged in."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence

from cachetools import TTLCache

from gateway import (
    Authenticator,
    Credential,
    Finding,
    Inbound,
    Principal,
    Services,
    Settings,
    Store,
    Unauthenticated,
    Unavailable,
    User,
)

from .bad_token import BadToken
from .policy import findings, policy
from .tokens import Access, Tokens, is_ours

INVALID, EXPIRED = "invalid_token", "token_expired"
USER_SECONDS = 2.0
"""After so long the store is asked again for the user and the session of a token that is kept."""
AHEAD = 60.0
"""Seconds by which LibreChat's clock may be ahead of this one."""
KEPT_SECONDS = 60.0
MOST_KEPT = 10_000
LIBRECHAT = "librechat"
"""By whose names users are found of whom LibreChat made a token."""


class Proven:
    """A token that was checked, and whom it means. asked: when the store was, by the monotonic clock."""

    __slots__ = ("access", "asked", "principal")

    def __init__(self, access: Access, principal: Principal, asked: float) -> None:
        self.access, self.principal, self.asked = access, principal, asked


class JwtAuthenticator(Authenticator):
    """tokens: None where nobody can log in. clock: epoch seconds. since: seconds, monotonic."""

    def __init__(
        self,
        tokens: Tokens | None,
        store: Store | None,
        clock: Callable[[], float],
        since: Callable[[], float] = time.monotonic,
        found: Sequence[Finding] = (),
    ) -> None:
        self._tokens, self._store, self._clock, self._since, self._found = tokens, store, clock, since, found
        self._proven: TTLCache[bytes, Proven] = TTLCache(MOST_KEPT, KEPT_SECONDS, since)

    @classmethod
    def of(cls, settings: Settings, services: Services) -> JwtAuthenticator:
        allowed, store = policy(settings, services.store), services.store
        tokens = None if allowed.why_not else Tokens(allowed.secret, allowed.refresh_secret)
        return cls(tokens, store, services.clock, found=findings(settings, store))

    def findings(self) -> Sequence[Finding]:
        return self._found

    async def authenticate(self, inbound: Inbound, credential: Credential | None) -> Principal | None:
        """None for what is no token of this gateway. Raises Unauthenticated, or Unavailable while the store is away."""
        if credential is None or self._tokens is None:
            return None
        text = credential.secret.reveal()
        if not is_ours(text):
            return None
        digest = hashlib.sha256(text.encode("ascii")).digest()
        proven = self._proven.get(digest)
        if proven is None:
            proven = await self._prove(self._tokens, text)
            self._proven[digest] = proven
            return proven.principal
        if proven.access.expires <= self._clock():
            raise Unauthenticated("The token has expired. Get a new one, or log in again.", code=EXPIRED)
        if self._since() - proven.asked >= USER_SECONDS:
            await self._ask_again(proven, digest)
        return proven.principal

    async def _prove(self, tokens: Tokens, text: str) -> Proven:
        try:
            access = tokens.read_access(text, self._clock())
        except BadToken as error:
            raise Unauthenticated(error.why, code=EXPIRED if error.expired else INVALID) from error
        asked = self._since()
        return Proven(access, await self._principal(access), asked)

    async def _ask_again(self, proven: Proven, digest: bytes) -> None:
        """One asks, and the others go on with what was known; so does everybody for as long as the store is away."""
        proven.asked = self._since()
        try:
            proven.principal = await self._principal(proven.access)
        except Unavailable:
            pass
        except BaseException:
            self._proven.pop(digest, None)
            raise

    async def _principal(self, access: Access) -> Principal:
        assert self._store is not None
        user = await self._user(self._store, access)
        if user is None:
            raise Unauthenticated("The token's user is not here any more.", code=INVALID)
        if user.disabled is not None:
            raise Unauthenticated("The token's user is disabled. Ask the operator of this gateway.", code=INVALID)
        if not await self._goes_on(self._store, access, user):
            raise Unauthenticated("The token's session has ended. Log in again.", code=INVALID)
        return Principal(user.id, user.role, user.name, user.email, user.groups)

    async def _user(self, store: Store, access: Access) -> User | None:
        found = await store.users.get(access.user_id)
        if found is not None or access.session or store.identities is None:
            return found
        known = await store.identities.find(LIBRECHAT, access.user_id)
        return None if known is None else await store.users.get(known)

    async def _goes_on(self, store: Store, access: Access, user: User) -> bool:
        """One that LibreChat made has no session here; it lasts until it expires or the password is another. One of
        times to come would outlast that.
        """
        assert store.logins is not None
        if access.session:
            session = await store.logins.session(access.session)
            return session is not None and session.user_id == user.id and session.expires > self._clock()
        login = await store.logins.get(user.id)
        return login is None or login.since <= access.issued <= self._clock() + AHEAD
