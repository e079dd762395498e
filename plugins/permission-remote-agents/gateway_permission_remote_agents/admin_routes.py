"""/api/admin/roles: what `gateway roles` does."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from gateway import BadCall, RemotePermissions, RouteSpec, Services, Settings, Store, Unavailable
from gateway.admin import Asking, Listed, Nothing, Paged, changing, page_of, reading

from .said import RoleShown, Saying, given_of, say, shown


class DocumentsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What is null stays as it is. use: see them, and change those of one's own; of MCP servers: have their tools.
    create: make them.
    """

    use: bool | None = None
    create: bool | None = None


class RoleAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What is null stays as it is. agents: of agents as documents. mcp_servers: of MCP servers. reset: forget what was
    said before.
    """

    use: bool | None = None
    create: bool | None = None
    share: bool | None = None
    public: bool | None = None
    reset: bool = False
    agents: DocumentsAsked = DocumentsAsked()
    mcp_servers: DocumentsAsked = DocumentsAsked()


class RoleAdmin:
    """given: what the file says, which holds."""

    def __init__(self, store: Store | None, given: Saying) -> None:
        self._store = store
        self._given = given

    async def list(self, asking: Asking[Paged, None]) -> Listed[RoleShown]:
        return page_of(await shown(self._kept(), self._given), asking.query, lambda one: one.name)

    async def put(self, asking: Asking[Nothing, RoleAsked]) -> RoleShown:
        """Tells what holds afterwards, which is what the file says where it says something."""
        asked = asking.body
        if asked == RoleAsked():
            parts = ", ".join(RoleAsked.__struct_fields__)
            raise BadCall(f"Nothing to change; name at least one of {parts}.")
        remote = RemotePermissions(asked.use, asked.create, asked.share, asked.public)
        servers = RemotePermissions(asked.mcp_servers.use, asked.mcp_servers.create)
        saying = Saying(remote, RemotePermissions(asked.agents.use, asked.agents.create), servers)
        return await say(self._kept(), self._given, asking.params["name"], saying, asked.reset)

    def _kept(self) -> Store:
        if self._store is None:
            raise Unavailable("There is no store here that keeps roles; install plugins/store-sql.")
        return self._store


def admin_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    roles = RoleAdmin(services.store, given_of(settings))
    words = "All roles: what each may do with agents, and how many users have it"
    return [
        reading("/roles", roles.list, words, Paged, Listed[RoleShown]),
        changing("PUT", "/roles/{name}", roles.put, "Say what a role may do", RoleAsked, RoleShown),
    ]
