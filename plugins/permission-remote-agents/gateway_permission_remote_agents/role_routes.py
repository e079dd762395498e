"""/api/roles: what a role may do with agents, as LibreChat's web client and Admin Panel ask for it.

Source: LibreChat `api/server/routes/roles.js`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from gateway import Answer, BadCall, Inbound, Principal, RemotePermissions, Role, RolePermissions, Roles, Unavailable
from gateway.roles import ADMIN, USER, Granted

BUILT_IN = {"ADMIN": ADMIN, "USER": USER}
NAMES = {"use": "USE", "create": "CREATE", "share": "SHARE", "public": "SHARE_PUBLIC"}
"""LibreChat's, of the permissions."""


class Told(msgspec.Struct, frozen=True, rename=NAMES):
    """What holds."""

    use: bool
    create: bool
    share: bool
    public: bool


class Asked(msgspec.Struct, frozen=True, rename=NAMES):
    """What is not there stays as it is."""

    use: bool | None = None
    create: bool | None = None
    share: bool | None = None
    public: bool | None = None


class RoleRoutes:
    def __init__(self, roles: Roles | None, permissions: RolePermissions) -> None:
        self._roles = roles
        self._permissions = permissions

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        """Who is no admin is told of USER and of the role of one's own."""
        name = named(inbound.params["name"])
        if not principal.is_admin and name not in (USER, principal.role):
            return answer(403, message="Unauthorized")
        if name not in (ADMIN, USER, principal.role) and await self._kept().get(name) is None:
            return answer(404, message="Role not found")
        return told(name, self._permissions)

    async def put(self, inbound: Inbound, principal: Principal) -> Answer:
        """Tells what holds afterwards, which is what the file says where it says something."""
        return await self._put(inbound, changed, "Invalid remote agents permissions.")

    async def put_agents(self, inbound: Inbound, principal: Principal) -> Answer:
        return await self._put(inbound, changed_agents, "Invalid agents permissions.")

    async def put_mcp_servers(self, inbound: Inbound, principal: Principal) -> Answer:
        return await self._put(inbound, changed_mcp_servers, "Invalid MCP servers permissions.")

    async def _put(self, inbound: Inbound, change: Callable[[Role, Asked], Role], wrong: str) -> Answer:
        name, roles = named(inbound.params["name"]), self._kept()
        try:
            asked = msgspec.json.decode(await inbound.receive(), type=Asked)
        except (msgspec.MsgspecError, UnicodeError) as error:
            return answer(400, message=wrong, error=f"{error}")
        role = await roles.get(name)
        if role is None and name not in (ADMIN, USER):
            return answer(404, message="Role not found")
        await roles.put(change(role or Role(name), asked))
        self._permissions.put(await roles.list())
        return told(name, self._permissions)

    def _kept(self) -> Roles:
        if self._roles is None:
            raise Unavailable("There is no store here that keeps roles; install plugins/store-sql.")
        return self._roles


def named(text: str) -> str:
    """The built-in roles in any case; others as written. Raises BadCall without a name."""
    if not text.strip() or not text.isprintable():
        raise BadCall("A role's name is printable text.", param="name")
    return BUILT_IN.get(text.upper(), text)


def changed(role: Role, asked: Asked | RemotePermissions) -> Role:
    return msgspec.structs.replace(role, remote_agents=_said(role.remote_agents, asked))


def changed_agents(role: Role, asked: Asked | RemotePermissions) -> Role:
    return msgspec.structs.replace(role, agents=_said(role.agents, asked))


def changed_mcp_servers(role: Role, asked: Asked | RemotePermissions) -> Role:
    return msgspec.structs.replace(role, mcp_servers=_said(role.mcp_servers, asked))


def told(name: str, permissions: RolePermissions) -> Answer:
    found = {
        "REMOTE_AGENTS": _told(permissions.granted(name)),
        "AGENTS": _told(permissions.agents(name)),
        "MCP_SERVERS": _told(permissions.mcp_servers(name)),
    }
    return Answer(msgspec.json.encode({"name": name, "permissions": found}))


def _said(before: RemotePermissions, asked: Asked | RemotePermissions) -> RemotePermissions:
    said = {name: value for name, value in msgspec.structs.asdict(asked).items() if value is not None}
    return msgspec.structs.replace(before, **said)


def _told(granted: Granted) -> Told:
    return Told(granted.use, granted.create, granted.share, granted.public)


def answer(status: int, **words: str) -> Answer:
    return Answer(msgspec.json.encode(words), status)
