"""/api/admin/users/{id}/...: what `gateway logins` does."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from gateway import RouteSpec, Secret, Services, Settings, Store, Unavailable, User
from gateway.admin import Asking, Nothing, changing, reading
from gateway.logins import Logins

from .restored import Shown, fit, found, generated, give_password, how
from .settings import AuthJwt


class PasswordAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """password: null for one that is made here, and told once."""

    password: str | None = None


class PasswordTold(Struct, frozen=True):
    """password: null where it was not made here."""

    user: str
    id: str
    password: str | None


class SecondFactorTold(Struct, frozen=True):
    """removed: whether there was one."""

    user: str
    id: str
    removed: bool


class SessionsTold(Struct, frozen=True):
    """ended: how many there were."""

    user: str
    id: str
    ended: int


class LoginAdmin:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._store = services.store
        self._clock = services.clock
        self._own = settings.one(AuthJwt)

    async def show(self, asking: Asking[Nothing, None]) -> Shown:
        return await how(*await self._found(asking.params["id"]))

    async def password(self, asking: Asking[Nothing, PasswordAsked]) -> PasswordTold:
        """All sessions of the user end."""
        from .passwords import Hasher

        given = asking.body.password
        text = generated() if given is None else fit(given)
        kept, user = await self._found(asking.params["id"])
        hasher = Hasher(self._own)
        try:
            hashed = await hasher.hash(Secret(text))
        finally:
            hasher.close()
        await give_password(kept, user, hashed, self._clock())
        return PasswordTold(user.name, user.id, text if given is None else None)

    async def drop_second_factor(self, asking: Asking[Nothing, Nothing]) -> SecondFactorTold:
        kept, user = await self._found(asking.params["id"])
        return SecondFactorTold(user.name, user.id, await kept.drop_second_factor(user.id))

    async def end(self, asking: Asking[Nothing, Nothing]) -> SessionsTold:
        """Within two seconds, everywhere."""
        kept, user = await self._found(asking.params["id"])
        return SessionsTold(user.name, user.id, await kept.end_all(user.id))

    async def _found(self, name: str) -> tuple[Logins, User]:
        return await found(_kept(self._store), name)


def _kept(store: Store | None) -> Store:
    if store is None:
        raise Unavailable("There is no store here that keeps users; install plugins/store-sql.")
    return store


def admin_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    logins, one = LoginAdmin(settings, services), "/users/{id}"
    password, factor = "Set a password; all sessions end", "Take a lost second factor away"
    return [
        reading(f"{one}/login", logins.show, "How a user logs in; no secrets", Nothing, Shown),
        changing("PUT", f"{one}/password", logins.password, password, PasswordAsked, PasswordTold),
        changing("DELETE", f"{one}/two-factor", logins.drop_second_factor, factor, Nothing, SecondFactorTold),
        changing("DELETE", f"{one}/sessions", logins.end, "Log a user out everywhere", Nothing, SessionsTold),
    ]
