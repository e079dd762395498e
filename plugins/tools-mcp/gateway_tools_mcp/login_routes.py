"""LibreChat's routes for logging in to an MCP server: /api/mcp/{name}/oauth and /api/mcp/oauth.

A login belongs to the browser that began it, by a cookie: otherwise somebody could let others log in for him, and have
what they may do there. Source: LibreChat `api/server/routes/mcp.js`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from gateway import Answer, Asker, Forbidden, Inbound, Principal, RouteSpec, Services, Settings

if TYPE_CHECKING:
    from .server import Server
    from .servers import Servers

COOKIE = "mcp_login"
_COOKIE = re.compile(rf"(?:^|;\s*){COOKIE}=([A-Za-z0-9_-]{{43}})(?:;|$)")
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<body><h1>{title}</h1><p>{words}</p></body></html>
"""
_SAFE = {"content-security-policy": "default-src 'none'", "cache-control": "no-store", "referrer-policy": "no-referrer"}


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
        url, cookie = await begun(server, inbound, principal)
        return Answer(b"", 302, headers={"location": url, "cache-control": "no-store"}, cookies=(cookie,))

    async def callback(self, inbound: Inbound, principal: Principal) -> Answer:
        """Whom the authorization server sends back. Nobody is known here but by the state and the cookie."""
        from .failures import Down
        from .logins import LoginFailed

        servers, name = self._servers(), inbound.params["name"]
        try:
            user, meant = servers.logins.opened(inbound.query.get("state", ""))
            server = await self._server(name, Principal(user_id=user))
            if server is None or meant != name:
                raise LoginFailed("This is an answer to a login to another server.")
            at = await server.at(Asker(Principal(user_id=user)))
            await servers.logins.finish(at, inbound.query, _cookie(inbound))
        except (LoginFailed, Down) as error:
            return _page("Not logged in", str(error), 400)
        return _page("Logged in", f"You are logged in to {server.label}. You may close this window.", 200)

    async def status(self, inbound: Inbound, principal: Principal) -> Answer:
        """Of one's own login: an id is `<user>:<server>`."""
        user, _, name = inbound.params["id"].partition(":")
        server = await self._server(name, principal)
        if user != principal.user_id:
            raise Forbidden("This is the login of somebody else.")
        if server is None:
            return _told({"error": "Flow not found"}, 404)
        from .failures import Down

        try:
            done = await server.logins.has_token(user, await server.at(Asker(principal)))
            waits = await server.logins.is_under_way(user, name)
        except Down as error:
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
    browser = _cookie(inbound) or secrets.token_urlsafe(32)
    try:
        at = await server.at(Asker(principal))
        url = await server.logins.begin(principal.user_id, at, server.challenge, browser)
    except Down as error:
        raise Unavailable(f"Nobody can log in to the MCP server {server.name}: {error}.") from error
    secure = "; Secure" if at.redirect_uri.startswith("https:") else ""
    return url, f"{COOKIE}={browser}; HttpOnly; SameSite=Lax; Path=/api/mcp; Max-Age=3600{secure}"


def login_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    login, one = LoginRoutes(settings, services), "/api/mcp/{name}/oauth"
    return [
        RouteSpec("GET", f"{one}/initiate", login.initiate, summary="To where one logs in to an MCP server"),
        RouteSpec("GET", f"{one}/callback", login.callback, "public", "Where browsers come back to from there"),
        RouteSpec("GET", "/api/mcp/oauth/status/{id}", login.status, summary="How one's own login to it stands"),
        RouteSpec("POST", "/api/mcp/oauth/cancel/{name}", login.cancel, summary="Give up one's own login to it"),
    ]


def _cookie(inbound: Inbound) -> str:
    found = _COOKIE.search(inbound.headers.get("cookie", ""))
    return found[1] if found else ""


def _page(title: str, words: str, status: int) -> Answer:
    from html import escape

    body = _PAGE.format(title=escape(title), words=escape(words)).encode()
    return Answer(body, status, "text/html; charset=utf-8", headers=_SAFE)


def _told(value: object, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(value), status)
