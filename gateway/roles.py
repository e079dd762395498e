"""RolePermissions: what each role may do with agents, out of the file, the store and the defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

import msgspec

from .follow import Follower
from .identity import RemotePermissions, Role
from .lifespan import Lifespan
from .services import Services
from .settings import Settings
from .settings.remote_agents import AgentsInterface, RemoteAgents
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


UNSAID = RemotePermissions()
NOTHING, AS_IN_LIBRECHAT = Granted(), Granted(use=True, create=True)


class Decided:
    """One kind of permissions. given: what the file says, which is about users who are not admins. default: what users
    have where nobody said.
    """

    def __init__(self, given: RemotePermissions, default: Granted) -> None:
        self.given = given
        self._default = default
        self._stored: Mapping[str, RemotePermissions] = {}
        self._decided: dict[str, Granted] = {}

    def of(self, role: str) -> Granted:
        return self._decided.get(role) or self._decide(role)

    def put(self, stored: Mapping[str, RemotePermissions]) -> None:
        self._stored, self._decided = stored, {}

    def take(self, before: Decided) -> None:
        """What the store said before a reload."""
        self.put(before._stored)

    def _decide(self, role: str) -> Granted:
        stored = self._stored.get(role, UNSAID)
        if role == ADMIN:
            sources: Sequence[RemotePermissions] = (stored,)
        elif role == USER:
            sources = (self.given, stored)
        else:
            sources = (stored, self.given, self._stored.get(USER, UNSAID))
        names = Granted.__struct_fields__
        found = Granted(*(_first(sources, name, role == ADMIN or getattr(self._default, name)) for name in names))
        if len(self._decided) < MOST:
            self._decided[role] = found
        return found


class RolePermissions:
    """given, agents: what the file says of calling agents through the API, and of agents as documents.

    USER has what the file says, else what the store says of it, else nothing; of documents `use` and `create`. ADMIN
    has what the store says, else all. Any other role has what the store says of it, else what USER has.
    known: whether the store was asked.
    Source of the order: LibreChat `packages/api/src/app/permissions.ts`.
    """

    def __init__(self, given: RemotePermissions, agents: RemotePermissions = UNSAID) -> None:
        self._remote = Decided(given, NOTHING)
        self._agents = Decided(agents, AS_IN_LIBRECHAT)
        self.known = False

    @staticmethod
    def of(settings: Settings, services: Services) -> RolePermissions:
        """The one of this process. What the store says survives a reload."""
        given, agents = settings.one(RemoteAgents), settings.one(AgentsInterface).said
        kept = cast("RolePermissions | None", services.state.get(_STATE))
        if kept is not None and (kept._remote.given, kept._agents.given) == (given, agents):
            return kept
        made = services.state[_STATE] = RolePermissions(given, agents)
        if kept is not None:
            made._remote.take(kept._remote)
            made._agents.take(kept._agents)
            made.known = kept.known
        return made

    def granted(self, role: str) -> Granted:
        """With agents through the API."""
        return self._remote.of(role)

    def agents(self, role: str) -> Granted:
        """With agents as documents."""
        return self._agents.of(role)

    def put(self, roles: Sequence[Role]) -> None:
        """What the store says now, of all roles."""
        self._remote.put({role.name: role.remote_agents for role in roles})
        self._agents.put({role.name: role.agents for role in roles})
        self.known = True


def _first(sources: Sequence[RemotePermissions], name: str, default: bool) -> bool:
    said = (getattr(source, name) for source in sources)
    return next((one for one in said if one is not None), default)


def followers(settings: Settings, services: Services) -> Sequence[Lifespan]:
    """What keeps them up to date, where the store knows of roles."""
    store = services.store
    if store is None or store.roles is None:
        return ()
    permissions = RolePermissions.of(settings, services)
    read = partial(load, store, permissions)
    return (Follower("roles", store.keys.revision, read, services.log, known=permissions.known),)


async def load(store: Store, permissions: RolePermissions) -> None:
    """Raises Unavailable."""
    if store.roles is not None:
        permissions.put(await store.roles.list())
