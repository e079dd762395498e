"""/api/mcp/servers: MCP servers that users add, change and delete, as LibreChat's client does.

Source: LibreChat `api/server/routes/mcp.js`, `api/server/controllers/mcp.js`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs

from gateway import Answer, Asker, BadCall, Forbidden, Inbound, Principal, RouteSpec, Services, Settings

from .added import MOST, Added, AddedServers

if TYPE_CHECKING:
    from .given import Given
    from .servers import Servers

ROLE = "Forbidden: Insufficient permissions"
SECOND = 1000


class Said(Exception):
    """Ends a request with this answer."""

    def __init__(self, status: int, **words: object) -> None:
        super().__init__(words)
        self.answer = told(words, status)


class AddedRoutes:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._settings, self._services = settings, services

    async def create(self, inbound: Inbound, principal: Principal) -> Answer:
        servers = await self._begin(principal)
        if len(servers.added.of_user(principal.user_id)) >= MOST:
            raise Said(403, message=f"A user may add {MOST} MCP servers; delete one that is not used.")
        said = await self._tried(servers, await _given(inbound), principal)
        added = await servers.added.add(said, principal.user_id, servers.taken)
        self._services.log.info("mcp: %s was added by user %s", added.name, added.user)
        return told({"serverName": added.name, **described(added)}, 201)

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        servers = self._servers()
        if not servers.may(Asker(principal)):
            raise Said(403, message=ROLE)
        await servers.added.refresh()
        return told(described(_own(servers.added, inbound, principal)))

    async def change(self, inbound: Inbound, principal: Principal) -> Answer:
        servers = await self._begin(principal)
        before = _own(servers.added, inbound, principal)
        said = await self._tried(servers, await _given(inbound, before.given), principal, before)
        after = await servers.added.change(before, said)
        if after is None:
            raise Said(404, message="MCP server not found")
        return told(described(after))

    async def delete(self, inbound: Inbound, principal: Principal) -> Answer:
        """With what its user keeps for it."""
        servers = await self._begin(principal)
        added = _own(servers.added, inbound, principal)
        await forgotten(servers, added)
        return told({"message": "MCP server deleted successfully"})

    async def _begin(self, principal: Principal) -> Servers:
        servers = self._servers()
        if not servers.may_add(Asker(principal)):
            raise Said(403, message=ROLE)
        if not principal.user_id:
            raise Forbidden("This credential belongs to no user, so nothing can be kept for it.")
        await servers.added.refresh()
        return servers

    async def _tried(self, servers: Servers, said: Given, principal: Principal, before: Added | None = None) -> Given:
        """As it turns out to be: with a login, where it lets nobody in without. Raises Said where it cannot be used."""
        from .failures import McpError

        now = self._services.clock()
        name, created = (before.name, before.created) if before is not None else ("mcp-server", now)
        trial = Added(name, principal.user_id, said, created, now, b"")
        server = servers.tried(trial)
        try:
            if server.unavailable:
                raise Said(400, error="MCP_INSPECTION_FAILED", message=f"This is no server: {server.unavailable}.")
            if not servers.allows(said.url):
                words = "Its host is not in mcpSettings.allowedDomains."
                raise Said(403, error="MCP_DOMAIN_NOT_ALLOWED", message=words)
            if not server.variables:
                await server.listing(Asker(principal))
        except McpError as error:
            if not server.wants_login:
                words = f"The MCP server cannot be used: {error}."
                raise Said(400, error="MCP_INSPECTION_FAILED", message=words) from error
        finally:
            await server.close()
        return structs.replace(said, requires_oauth=server.wants_login)

    def _servers(self) -> Servers:
        from .servers import Servers

        return Servers.of(self._settings, self._services)


async def forgotten(servers: Servers, added: Added) -> None:
    """Raises Unavailable."""
    await servers.added.remove(added.name)
    await servers.variables.put(added.user, added.kept_as, {})
    await servers.logins.forget(added.user, added.name)


def described(added: Added) -> Mapping[str, Any]:
    """To whose it is."""
    return {
        **added.given.shown,
        "requiresOAuth": added.given.requires_oauth,
        "dbId": added.name,
        "updatedAt": round(added.updated * SECOND),
        "source": "user",
    }


def added_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    routes, all_, one = AddedRoutes(settings, services), "/api/mcp/servers", "/api/mcp/servers/{name}"
    return [
        _spec("POST", all_, routes.create, "Add an MCP server of one's own"),
        _spec("GET", one, routes.get, "One's own MCP server, without its secrets"),
        _spec("PATCH", one, routes.change, "Change it; secrets that are left out stay"),
        _spec("DELETE", one, routes.delete, "Delete it, with what one keeps for it"),
    ]


def told(value: object, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(value), status)


def _spec(method: str, path: str, work: Callable[[Inbound, Principal], Awaitable[Answer]], summary: str) -> RouteSpec:
    async def handler(inbound: Inbound, principal: Principal) -> Answer:
        from .given import Wrong

        try:
            return await work(inbound, principal)
        except Said as said:
            return said.answer
        except Wrong as wrong:
            details = [{"code": "custom", "path": (wrong.param or "config").split("."), "message": wrong.public}]
            return told({"message": f"Invalid configuration: {wrong.public}", "errors": details}, 400)

    return RouteSpec(method, path, handler, summary=summary, segment="{" in path)


def _own(added: AddedServers, inbound: Inbound, principal: Principal) -> Added:
    """Others' are as if they were not there. Raises Said."""
    found = added.by_name.get(inbound.params["name"])
    if found is None or not principal.user_id or found.user != principal.user_id:
        raise Said(404, message="MCP server not found")
    return found


async def _given(inbound: Inbound, before: Given | None = None) -> Given:
    from .given import given

    try:
        body = msgspec.json.decode(await inbound.receive() or b"{}", type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCall("The body is no JSON object with `config`.") from error
    return given(body.get("config"), before)
