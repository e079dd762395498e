"""LibreChat's routes for logging in to an MCP server: /api/mcp/{name}/oauth and /api/mcp/oauth.

Source: LibreChat `api/server/routes/mcp.js`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from gateway import Answer, Asker, Forbidden, Inbound, Principal, RouteSpec, Services, Settings

if TYPE_CHECKING:
    from gateway.oauth import BrowserCookie

    from .server import Server
    from .servers import Servers


class LoginRoutes:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._settings, self._services = settings, services

    async def initiate(self, inbound: Inbound, principal: Principal) -> Answer:
        """To where the user logs in."""
        server = await self._server(inbound.params["name"], principal)
        if server is None:
            return _told({"error": f"MCP server '{inbound.params['name']}' not found in configuration"}, 404)
        if inbound.query.get("userId", principal.user_id) != principal.user_id:
            return _told({"error": "User mismatch"}, 403)
        from gateway.oauth import sent_to

        return sent_to(*await begun(server, inbound, principal))

    async def callback(self, inbound: Inbound, principal: Principal) -> Answer:
        """Whom the authorization server sends back. Nobody is known here but by the state and the cookie."""
        from gateway.oauth import Lacking, LoginFailed, page

        from .failures import Down

        servers, name = self._servers(), inbound.params["name"]
        try:
            user, meant = servers.logins.opened(inbound.query.get("state", ""))
            server = await self._server(name, Principal(user_id=user))
            if server is None or meant != name:
                raise LoginFailed("This is an answer to a login to another server.")
            site = await server.site(Asker(Principal(user_id=user)))
            await servers.logins.finish(site, inbound.query, _cookie().of(inbound))
        except (LoginFailed, Lacking, Down) as error:
            return page("Not logged in", str(error), 400)
        return page("Logged in", f"You are logged in to {server.label}. You may close this window.")

    async def status(self, inbound: Inbound, principal: Principal) -> Answer:
        """Of one's own login: an id is `<user>:<server>`."""
        user, _, name = inbound.params["id"].partition(":")
        server = await self._server(name, principal)
        if user != principal.user_id:
            raise Forbidden("This is the login of somebody else.")
        if server is None:
            return _told({"error": "Flow not found"}, 404)
        from gateway.oauth import Lacking

        from .failures import Down

        try:
            done = await server.logins.has_token(user, await server.site(Asker(principal)))
            waits = await server.logins.is_under_way(user, name)
        except (Lacking, Down) as error:
            return _told({"status": "FAILED", "completed": False, "failed": True, "error": str(error)})
        if not done and not waits:
            return _told({"error": "Flow not found"}, 404)
        completed = done and not waits
        state = "COMPLETED" if completed else "PENDING"
        return _told({"status": state, "completed": completed, "failed": False})

    async def cancel(self, inbound: Inbound, principal: Principal) -> Answer:
        name = inbound.params["name"]
        if principal.user_id and await self._server(name, principal) is not None:
            await self._servers().logins.cancel(principal.user_id, name)
        return _told({"success": True, "message": f"OAuth flow for {name} cancelled successfully"})

    async def _server(self, name: str, principal: Principal) -> Server | None:
        servers = self._servers()
        await servers.added.refresh()
        return servers.get(name, Asker(principal))

    def _servers(self) -> Servers:
        from .servers import Servers

        return Servers.of(self._settings, self._services)


async def begun(server: Server, inbound: Inbound, principal: Principal) -> tuple[str, str]:
    """The address where the user logs in, and the cookie for the browser. Raises GatewayError."""
    from gateway import Unavailable

    from .failures import Down

    if not principal.user_id:
        raise Forbidden("This credential belongs to no user, so nobody can log in with it.")
    cookie = _cookie()
    browser = cookie.known(inbound)
    try:
        site = await server.site(Asker(principal))
        url = await server.begin(principal.user_id, site, browser)
    except Down as error:
        raise Unavailable(f"Nobody can log in to the MCP server {server.name}: {error}.") from error
    return url, cookie.set(browser, site.redirect_uri)


def login_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    login, one = LoginRoutes(settings, services), "/api/mcp/{name}/oauth"
    return [
        RouteSpec("GET", f"{one}/initiate", login.initiate, summary="To where one logs in to an MCP server"),
        RouteSpec("GET", f"{one}/callback", login.callback, "public", "Where browsers come back to from there"),
        RouteSpec("GET", "/api/mcp/oauth/status/{id}", login.status, summary="How one's own login to it stands"),
        RouteSpec("POST", "/api/mcp/oauth/cancel/{name}", login.cancel, summary="Give up one's own login to it"),
    ]


def _cookie() -> BrowserCookie:
    from gateway.oauth import BrowserCookie

    return BrowserCookie("mcp_login", "/api/mcp")


def _told(value: object, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(value), status)
