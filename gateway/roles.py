"""RolePermissions: what each role may do with agents through the API, out of the file, the store and the defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from .follow import Follower
from .identity import RemotePermissions, Role
from .lifespan import Lifespan
from .services import Services
from .settings import Settings
from .settings.remote_agents import RemoteAgents
from .store import Store

ADMIN, USER = "ADMIN", "USER"
_STATE = "gateway.roles"
MOST = 1000
"""Roles whose permissions are kept decided."""


class Granted(msgspec.Struct, frozen=True):
    """As RemotePermissions, decided."""

    use: bool = False
    create: bool = False
    share: bool = False
    public: bool = False


class RolePermissions:
    """given: what the file says, which is about users who are not admins. stored: what the store says, by role.

    USER has what the file says, else what the store says of it, else nothing. ADMIN has what the store says, else all.
    Any other role has what the store says of it, else what USER has.
    Source of the order: LibreChat `packages/api/src/app/permissions.ts`.
    """

    def __init__(self, given: RemotePermissions, stored: Mapping[str, RemotePermissions] | None = None) -> None:
        self.given = given
        self._stored: Mapping[str, RemotePermissions] = stored or {}
        self._decided: dict[str, Granted] = {}

    @staticmethod
    def of(settings: Settings, services: Services) -> RolePermissions:
        """The one of this process. What the store says survives a reload."""
        given = settings.one(RemoteAgents)
        kept = cast("RolePermissions | None", services.state.get(_STATE))
        if kept is None or kept.given != given:
            kept = services.state[_STATE] = RolePermissions(given, kept._stored if kept else None)
        return kept

    def granted(self, role: str) -> Granted:
        return self._decided.get(role) or self._decide(role)

    def put(self, roles: Sequence[Role]) -> None:
        """What the store says now, of all roles."""
        self._stored = {role.name: role.remote_agents for role in roles}
        self._decided = {}

    def _decide(self, role: str) -> Granted:
        nothing = RemotePermissions()
        stored = self._stored.get(role, nothing)
        if role == ADMIN:
            sources: Sequence[RemotePermissions] = (stored,)
        elif role == USER:
            sources = (self.given, stored)
        else:
            sources = (stored, self.given, self._stored.get(USER, nothing))
        found = Granted(*(_first(sources, name, role == ADMIN) for name in Granted.__struct_fields__))
        if len(self._decided) < MOST:
            self._decided[role] = found
        return found


def _first(sources: Sequence[RemotePermissions], name: str, default: bool) -> bool:
    said = (getattr(source, name) for source in sources)
    return next((one for one in said if one is not None), default)


def followers(settings: Settings, services: Services) -> Sequence[Lifespan]:
    """What keeps them up to date, where the store knows of roles."""
    store = services.store
    if store is None or store.roles is None:
        return ()
    permissions = RolePermissions.of(settings, services)
    return (Follower("roles", store.keys.revision, lambda: load(store, permissions), services.log),)


async def load(store: Store, permissions: RolePermissions) -> None:
    """Raises Unavailable."""
    if store.roles is not None:
        permissions.put(await store.roles.list())
