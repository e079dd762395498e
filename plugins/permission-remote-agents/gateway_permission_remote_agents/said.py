"""What is said of roles: what the command and the routes of admins do with them."""

from __future__ import annotations

from msgspec import Struct

from gateway import (
    AgentsInterface,
    McpInterface,
    NotFound,
    RemoteAgents,
    RemotePermissions,
    Role,
    RolePermissions,
    Roles,
    Settings,
    Store,
)
from gateway.roles import ADMIN, USER, Granted

from .role_routes import changed, changed_agents, changed_mcp_servers, named

PARTS = ("use", "create", "share", "public")
OF_DOCUMENTS = ("use", "create")
"""Those of agents as documents, and of MCP servers, that have an effect."""


class RoleShown(Struct, frozen=True):
    """granted: what holds. stored: what the store says of the role, null where it says nothing. users: who has it.

    agents, agents_stored: the same of agents as documents; mcp_servers, mcp_servers_stored: of MCP servers.
    """

    name: str
    granted: Granted
    stored: RemotePermissions
    users: int
    agents: Granted
    agents_stored: RemotePermissions
    mcp_servers: Granted
    mcp_servers_stored: RemotePermissions

    @property
    def row(self) -> tuple[object, ...]:
        remote = (_cell(self.granted, self.stored, part) for part in PARTS)
        documents = (_cell(self.agents, self.agents_stored, part) for part in OF_DOCUMENTS)
        servers = (_cell(self.mcp_servers, self.mcp_servers_stored, part) for part in OF_DOCUMENTS)
        return (self.name, *remote, *documents, *servers, self.users)


class Saying(Struct, frozen=True):
    """remote: of calling agents through the API. agents: of agents as documents. mcp_servers: of MCP servers. What is
    null stays as it is.
    """

    remote: RemotePermissions = RemotePermissions()
    agents: RemotePermissions = RemotePermissions()
    mcp_servers: RemotePermissions = RemotePermissions()


async def say(store: Store, given: Saying, name: str, asked: Saying, reset: bool) -> RoleShown:
    """given: what the file says, which holds. reset: forget what was said before. Raises BadCall, NotFound."""
    kept, role = roles_of(store), named(name.strip())
    before = None if reset else await kept.get(role)
    said = changed_agents(changed(before or Role(role), asked.remote), asked.agents)
    await kept.put(changed_mcp_servers(said, asked.mcp_servers))
    return next(one for one in await shown(store, given) if one.name == role)


async def shown(store: Store, given: Saying) -> list[RoleShown]:
    kept = {role.name: role for role in await roles_of(store).list()}
    permissions = RolePermissions(given.remote, given.agents, given.mcp_servers)
    permissions.put(list(kept.values()))
    users = [user.role for user in await store.users.list()]
    return [
        _shown(kept.get(name, Role(name)), permissions, users.count(name))
        for name in sorted({ADMIN, USER, *kept, *users})
    ]


def given_of(settings: Settings) -> Saying:
    """What the file says."""
    return Saying(settings.one(RemoteAgents), settings.one(AgentsInterface).said, settings.one(McpInterface))


def _shown(role: Role, permissions: RolePermissions, users: int) -> RoleShown:
    granted, agents = permissions.granted(role.name), permissions.agents(role.name)
    servers = permissions.mcp_servers(role.name)
    return RoleShown(role.name, granted, role.remote_agents, users, agents, role.agents, servers, role.mcp_servers)


def _cell(granted: Granted, stored: RemotePermissions, part: str) -> str:
    said = getattr(stored, part)
    held = "yes" if getattr(granted, part) else "no"
    return held if said is None or said == getattr(granted, part) else f"{held} (the file says so)"


def roles_of(store: Store) -> Roles:
    """Raises NotFound where the store keeps none."""
    if store.roles is None:
        raise NotFound(f"The store {store.name} keeps no roles; plugins/store-sql does.")
    return store.roles
