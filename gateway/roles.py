"""RolePermissions: what each role may do with agents and MCP servers, out of the file, the store and the defaults."""

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
from .settings.remote_agents import AgentsInterface, McpInterface, RemoteAgents
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
    """given, agents, mcp_servers: what the file says of calling agents through the API, of agents as documents, and of
    MCP servers.

    USER has what the file says, else what the store says of it, else nothing; of documents and servers `use` and
    `create`. ADMIN has what the store says, else all. Any other role has what the store says of it, else what USER has.
    known: whether the store was asked.
    Source of the order: LibreChat `packages/api/src/app/permissions.ts`.
    """

    def __init__(
        self, given: RemotePermissions, agents: RemotePermissions = UNSAID, mcp_servers: RemotePermissions = UNSAID
    ) -> None:
        self._remote = Decided(given, NOTHING)
        self._agents = Decided(agents, AS_IN_LIBRECHAT)
        self._mcp_servers = Decided(mcp_servers, AS_IN_LIBRECHAT)
        self.known = False

    @staticmethod
    def of(settings: Settings, services: Services) -> RolePermissions:
        """The one of this process. What the store says survives a reload."""
        given = settings.one(RemoteAgents), settings.one(AgentsInterface).said, settings.one(McpInterface)
        kept = cast("RolePermissions | None", services.state.get(_STATE))
        if kept is not None and tuple(kind.given for kind in kept._kinds) == given:
            return kept
        made = services.state[_STATE] = RolePermissions(*given)
        if kept is not None:
            for kind, before in zip(made._kinds, kept._kinds, strict=True):
                kind.take(before)
            made.known = kept.known
        return made

    def granted(self, role: str) -> Granted:
        """With agents through the API."""
        return self._remote.of(role)

    def agents(self, role: str) -> Granted:
        """With agents as documents."""
        return self._agents.of(role)

    def mcp_servers(self, role: str) -> Granted:
        """With MCP servers."""
        return self._mcp_servers.of(role)

    def put(self, roles: Sequence[Role]) -> None:
        """What the store says now, of all roles."""
        self._remote.put({role.name: role.remote_agents for role in roles})
        self._agents.put({role.name: role.agents for role in roles})
        self._mcp_servers.put({role.name: role.mcp_servers for role in roles})
        self.known = True

    @property
    def _kinds(self) -> tuple[Decided, ...]:
        return self._remote, self._agents, self._mcp_servers


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
