"""What operators do for users who cannot log in: the command and the routes of admins."""

from __future__ import annotations

import secrets

import msgspec

from gateway import BadCall, NotFound, Secret, Store, Unavailable, User
from gateway.logins import Login, Logins

from .policy import LONGEST_PASSWORD

SHORTEST = 8


class Shown(msgspec.Struct, frozen=True):
    """password: what its hash is, "" for none."""

    user: str
    id: str
    password: str
    verified: bool
    two_factor: bool
    backup_codes: int


async def found(store: Store, name: str) -> tuple[Logins, User]:
    """By name, address or id. Raises NotFound, Unavailable."""
    if store.logins is None:
        raise Unavailable(f"The store {store.name} keeps no logins; use plugins/store-sql.")
    user = await store.users.find(name) or await store.users.get(name)
    if user is None:
        raise NotFound(f"Nobody has the name, address or id {name!r}; see: gateway users list", param="user")
    return store.logins, user


async def how(kept: Logins, user: User) -> Shown:
    """No secrets."""
    from .passwords import kind

    login = await kept.get(user.id) or Login(user.id)
    return Shown(user.name, user.id, kind(login.password), login.verified, login.two_factor, len(login.codes))


async def give_password(kept: Logins, user: User, hashed: Secret, now: float) -> None:
    """The user's sessions end, and the address counts as verified."""
    login = await kept.get(user.id) or Login(user.id)
    if not login.verified:
        await kept.put(msgspec.structs.replace(login, verified=True))
    await kept.set_password(user.id, hashed, now)


def generated() -> str:
    return secrets.token_urlsafe(15)


def fit(password: str) -> str:
    """Raises BadCall."""
    if not SHORTEST <= len(password) <= LONGEST_PASSWORD or not password.strip():
        words = f"A password has {SHORTEST} to {LONGEST_PASSWORD} characters, and not only spaces."
        raise BadCall(words, param="password")
    return password
