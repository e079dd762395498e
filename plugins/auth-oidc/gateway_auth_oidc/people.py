"""People: whom a token's claims mean, among the users of the store."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from gateway import Conflict, Identities, Identity, Principal, Unauthenticated, User, Users

from .claims import INVALID, Claims
from .settings import OWN_PATH


def provider_of(issuer: str) -> str:
    """What the store calls an issuer: `oidc:` and its URL, without a slash at its end."""
    return f"oidc:{issuer}"


class People:
    """named: users by what tokens call them, from the settings. The others are known by whom their `sub` is bound to;
    the first token that comes with a user's address binds its `sub`, and no other comes in by it from then on.

    provider: as `provider_of` makes it. identities: None for a store that binds nobody; addresses alone count then.

    A user is never known by a name that a token brings: whoever may choose it could choose `admin`.
    """

    def __init__(
        self,
        users: Users,
        identities: Identities | None,
        provider: str,
        named: Mapping[str, str],
        log: logging.Logger,
    ) -> None:
        self._users, self._identities, self._provider = users, identities, provider
        self._named, self._log = named, log

    async def principal(self, claims: Claims) -> Principal:
        """Raises Unauthenticated where they mean nobody, Unavailable where the store cannot be asked."""
        name = next((self._named[text] for text in claims.subjects if text in self._named), None)
        user = await (self._bound(claims) if name is None else self._by_name(name))
        if user.disabled is not None:
            raise Unauthenticated("The token is valid, but its user is disabled on this gateway.", code=INVALID)
        return Principal(user_id=user.id, role=user.role, name=user.name, email=user.email, groups=user.groups)

    async def _by_name(self, name: str) -> User:
        user = await self._users.find(name) or await self._users.get(name)
        if user is None:
            self._log.warning("auth-oidc: %s.users names %r, who is no user: gateway users create", OWN_PATH, name)
            raise Unauthenticated("The token is valid, but its user is not known here any more.", code=INVALID)
        return user

    async def _bound(self, claims: Claims) -> User:
        """By `sub` alone, which the provider gives to nobody else; then by address, which binds."""
        if self._identities is None:
            return await self._by_address(claims)
        subject = claims.subjects[0]
        known = await self._identities.find(self._provider, subject)
        user = None if known is None else await self._users.get(known)
        if user is None:
            user = await self._by_address(claims)
            await self._bind(self._identities, user, subject)
        return user

    async def _bind(self, identities: Identities, user: User, subject: str) -> None:
        """Raises Unauthenticated where the user is another subject's already: whoever has the address now is not who
        had it then.
        """
        try:
            await identities.put(Identity(self._provider, subject, user.id), alone=True)
        except Conflict as error:
            self._log.warning(
                "auth-oidc: the subject %.200r has the address of %s, whom another subject of %s is bound to; "
                "if both are one, name it in %s.users",
                subject,
                user.name,
                self._provider,
                OWN_PATH,
            )
            raise Unauthenticated(
                "The token is valid, but its address belongs to somebody who has come in by another account of the "
                "provider. The operator of this gateway can say that they are one.",
                code=INVALID,
            ) from error
        self._log.info("auth-oidc: the subject %.200r is %s from now on", subject, user.name)

    async def _by_address(self, claims: Claims) -> User:
        if "@" in claims.email and not claims.verified:
            raise Unauthenticated("The token's provider has not verified its user's address.", code=INVALID)
        user = await self._users.find(claims.email) if "@" in claims.email else None
        if user is None or user.email != claims.email.lower():
            self._log.info("auth-oidc: nobody here is known as the subject %.200r", claims.subjects[0])
            raise Unauthenticated(
                "The token is valid, but nobody here is known by what it says. The operator of this gateway can make "
                "the user that it means: gateway users create NAME --email ADDRESS",
                code=INVALID,
            )
        return user
