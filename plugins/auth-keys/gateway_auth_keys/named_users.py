"""The user for whom a trusted key is used: whoever stands in a header that the operator chose."""

from __future__ import annotations

from msgspec.structs import replace

from gateway import BadCall, Conflict, Forbidden, Store, User, Users

from .settings import AuthKeys

LONGEST = 200


class NamedUsers:
    """header: in any case. most: users of the store beyond which none is made here, whoever made the others; requests
    that come at once may pass it, by one for each that is under way.
    """

    def __init__(self, users: Users, header: str, most: int) -> None:
        self.header = header.lower()
        self._users = users
        self._most = most

    async def find(self, name: str) -> User:
        """By id, name or e-mail address; made on first sight, as a USER. An admin is but a USER here, for a program
        that lets people choose their address must not let them become one.

        Raises BadCall, Forbidden, Unavailable.
        """
        if len(name) > LONGEST or not name.isprintable():
            raise BadCall(
                f"The header {self.header} must name a user, in printable text of at most {LONGEST} characters."
            )
        user = await self._known(name) or await self._make(name)
        if user.disabled is not None:
            raise Forbidden(f"The user that the header {self.header} names is disabled on this gateway.")
        return replace(user, role="USER") if user.role == "ADMIN" else user

    async def _known(self, name: str) -> User | None:
        return await self._users.get(name) or await self._users.find(name)

    async def _make(self, name: str) -> User:
        if await self._users.count() >= self._most:
            raise Forbidden(
                f"The user that the header {self.header} names is not known here, and no more are made: there are "
                f"{self._most} already (gateway.auth-keys.most_users)."
            )
        try:
            return await self._users.create(name, email=name if "@" in name else "")
        except Conflict:
            user = await self._known(name)
            if user is None:
                raise
            return user


def named_users(store: Store | None, given: AuthKeys) -> NamedUsers | None:
    """None where nobody is named, whatever key is used."""
    if store is None or given.user_header is None:
        return None
    return NamedUsers(store.users, given.user_header, given.most_users)
