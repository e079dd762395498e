"""KeyAuthenticator: a key to the principal who owns it."""

from __future__ import annotations

import datetime
import hmac
from collections.abc import Callable

from msgspec.structs import replace

from gateway import (
    Authenticator,
    Credential,
    Inbound,
    Key,
    Keys,
    Principal,
    Secret,
    Store,
    Unauthenticated,
    Unavailable,
    User,
)

from .cache import Found, KeyCache
from .key import LOOK, digest
from .named_users import NamedUsers
from .operator_key import OPERATOR
from .scoped import refuse_elsewhere


class KeyAuthenticator(Authenticator):
    """clock: epoch seconds. operator: the key in the environment, which works without a store. named: for whom trusted
    keys are used.
    """

    def __init__(
        self,
        store: Store | None,
        cache: KeyCache,
        clock: Callable[[], float],
        operator: Secret | None = None,
        named: NamedUsers | None = None,
    ) -> None:
        self._keys = store.keys if store is not None else None
        self._cache = cache
        self._clock = clock
        self._operator = digest(operator.reveal()) if operator is not None else None
        self._named = named

    async def authenticate(self, inbound: Inbound, credential: Credential | None) -> Principal | None:
        """None for what does not look like a key, and for an unknown one: another plugin may know it.

        Raises Unauthenticated for a key that was valid once, Forbidden for one that is not for the request's address,
        Unavailable while the store cannot be asked, BadCall for a trusted one that names no user rightly.
        """
        if credential is None:
            return None
        text = credential.secret.reveal()
        hashed = digest(text)
        if self._operator is not None and hmac.compare_digest(hashed, self._operator):
            return OPERATOR
        if self._keys is None or LOOK.fullmatch(text) is None:
            return None
        known, found = self._cache.get(hashed)
        if not known:
            found = await self._ask(self._keys, hashed)
        if found is None:
            return None
        key, principal = found
        now = self._clock()
        refuse_ended(key, now)
        if key.scopes.networks:
            refuse_elsewhere(key.scopes.networks, inbound.peer)
        self._keys.touch(key.id, now)
        if key.trusted and self._named is not None and (name := inbound.headers.get(self._named.header, "").strip()):
            return await self._for(self._named, key, name)
        return principal

    async def _for(self, named: NamedUsers, key: Key, name: str) -> Principal:
        """Cached as keys are, and forgotten with them."""
        place = f"{key.digest} {name}"
        _, found = self._cache.get(place)
        if found is not None:
            return found[1]
        generation = self._cache.generation
        try:
            principal = principal_of(key, await named.find(name))
        except Unavailable:
            if (remembered := self._cache.remembered(place)) is not None:
                return remembered[1]
            raise
        self._cache.put(place, (key, principal), generation)
        return principal

    async def _ask(self, keys: Keys, hashed: str) -> Found | None:
        generation = self._cache.generation
        try:
            row = await keys.find(hashed)
        except Unavailable:
            if (remembered := self._cache.remembered(hashed)) is not None:
                return remembered
            raise
        found = None if row is None else found_of(*row)
        self._cache.put(hashed, found, generation)
        return found


def found_of(key: Key, user: User) -> Found:
    """The keys of a disabled user answer as revoked ones, since then."""
    if user.disabled is not None:
        key = replace(key, revoked=user.disabled if key.revoked is None else min(key.revoked, user.disabled))
    return key, principal_of(key, user)


def refuse_ended(key: Key, now: float) -> None:
    """Raises Unauthenticated. Judged at each use, for a cached key may end while it is cached."""
    if key.revoked is not None and key.revoked <= now:
        raise Unauthenticated("This API key was revoked. Ask the operator of this gateway for a new one.")
    if key.expires is not None and key.expires <= now:
        day = datetime.datetime.fromtimestamp(key.expires, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
        raise Unauthenticated(f"This API key expired at {day}. Ask the operator of this gateway for a new one.")


def principal_of(key: Key, user: User) -> Principal:
    return Principal(
        user_id=user.id,
        role=user.role,
        name=user.name,
        email=user.email,
        groups=user.groups,
        key_id=key.id,
        key_label=key.label,
        scopes=key.scopes if key.scopes.limits_calls else None,
        own_key=key.own,
    )
