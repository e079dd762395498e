"""People: whom a token's claims mean, among the users of the store."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from gateway import Principal, Unauthenticated, User, Users

from .claims import INVALID, Claims
from .settings import OWN_PATH


class People:
    """named: users by what tokens call them, from the settings; the others are known by their addresses.

    A user is never known by a name that a token brings: whoever may choose it could choose `admin`.
    """

    def __init__(self, users: Users, named: Mapping[str, str], log: logging.Logger) -> None:
        self._users, self._named, self._log = users, named, log

    async def principal(self, claims: Claims) -> Principal:
        """Raises Unauthenticated where they mean nobody, Unavailable where the store cannot be asked."""
        name = next((self._named[text] for text in claims.subjects if text in self._named), None)
        user = await (self._by_address(claims) if name is None else self._by_name(name))
        if user.disabled is not None:
            raise Unauthenticated("The token is valid, but its user is disabled on this gateway.", code=INVALID)
        return Principal(user_id=user.id, role=user.role, name=user.name, email=user.email, groups=user.groups)

    async def _by_name(self, name: str) -> User:
        user = await self._users.find(name) or await self._users.get(name)
        if user is None:
            self._log.warning("auth-oidc: %s.users names %r, who is no user: gateway users create", OWN_PATH, name)
            raise Unauthenticated("The token is valid, but its user is not known here any more.", code=INVALID)
        return user

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
