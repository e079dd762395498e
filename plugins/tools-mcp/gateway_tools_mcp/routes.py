"""LibreChat's routes about MCP servers, under /api/mcp, for its own client.

What they need of the plugin is imported with the first request, for they are there without any server, too.
Source: LibreChat `api/server/routes/mcp.js`, `api/server/controllers/mcp.js`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from gateway import Answer, Asker, BadCall, Forbidden, Inbound, Principal, RouteSpec, Secret, Services, Settings

from .added import AddedServers
from .added_routes import described
from .login_routes import begun
from .section import PREFIX

if TYPE_CHECKING:
    from .server import Server
    from .servers import Servers

LONGEST_VALUE = 16_384


class PluginAsked(Struct, frozen=True, rename="camel"):
    """plugin_key: `mcp_<server>`. auth: the variables' values; an empty one is forgotten."""

    plugin_key: str
    action: str = "install"
    auth: dict[str, str | None] | None = None


class McpRoutes:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._settings, self._services = settings, services

    async def tools(self, inbound: Inbound, principal: Principal) -> Answer:
        servers = await self._had(principal)
        found = await asyncio.gather(*(self._server_tools(server, Asker(principal)) for server in servers))
        return _told({"servers": {server.name: one for server, one in zip(servers, found, strict=True)}})

    async def servers(self, inbound: Inbound, principal: Principal) -> Answer:
        of_file = [server for server in await self._had(principal) if server.name in self._servers().by_name]
        own = (
            AddedServers.of(self._services).of_user(principal.user_id) if self._servers().may(Asker(principal)) else ()
        )
        return _told(
            {one.name: described(one) for one in own} | {server.name: _described(server) for server in of_file}
        )

    async def statuses(self, inbound: Inbound, principal: Principal) -> Answer:
        servers = await self._had(principal)
        found = {server.name: await _status(server, principal) for server in servers}
        return _told({"success": True, "connectionStatus": found})

    async def status(self, inbound: Inbound, principal: Principal) -> Answer:
        server = await self._server(inbound, principal)
        if server is None:
            return _unknown(inbound)
        found = await _status(server, principal)
        state, oauth = found["connectionState"], found["requiresOAuth"]
        return _told({"success": True, "serverName": server.name, "connectionStatus": state, "requiresOAuth": oauth})

    async def reinitialize(self, inbound: Inbound, principal: Principal) -> Answer:
        """A connection that others use goes on where it is well; only admins end that."""
        from .failures import McpError

        server = await self._server(inbound, principal)
        if server is None:
            return _unknown(inbound)
        asker = Asker(principal)
        if (answer := await self._login(server, inbound, principal)) is not None:
            return answer
        try:
            link, _ = await server.reach(asker)
            if server.is_personal or principal.is_admin or link.trouble is not None:
                server.forget(link)
            link.outdated()
            await server.listing(asker)
            ok, words = True, f"MCP server '{server.name}' reinitialized successfully"
        except McpError as error:
            if (answer := await self._login(server, inbound, principal)) is not None:
                return answer  # Now it is known that users have to log in.
            ok, words = False, f"Failed to reinitialize MCP server '{server.name}': {error}"
        told = {"success": ok, "message": words, "serverName": server.name, "oauthRequired": False, "oauthUrl": None}
        return _told(told)

    async def _login(self, server: Server, inbound: Inbound, principal: Principal) -> Answer | None:
        """Where the user has to log in first: the address for that. None where he has not to."""
        from .failures import Down

        try:
            if not server.wants_login or await server.logins.has_token(
                principal.user_id, await server.site(Asker(principal))
            ):
                return None
        except Down:
            return None
        url, cookie = await begun(server, inbound, principal)
        told = {
            "success": True,
            "message": f"MCP server '{server.name}' ready for OAuth authentication",
            "serverName": server.name,
            "oauthRequired": True,
            "oauthUrl": url,
        }
        return Answer(msgspec.json.encode(told), cookies=(cookie,))

    async def values(self, inbound: Inbound, principal: Principal) -> Answer:
        """Whether the caller has given them; the values never come back out."""
        server = await self._server(inbound, principal)
        if server is None:
            return _unknown(inbound)
        kept = await self._kept(principal, server.kept_as)
        flags = {name: bool(kept.get(name)) for name in server.variables}
        return _told({"success": True, "serverName": server.name, "authValueFlags": flags})

    async def plugins(self, inbound: Inbound, principal: Principal) -> Answer:
        """LibreChat's client keeps the values of variables by this."""
        if not principal.user_id:
            raise Forbidden("This credential belongs to no user, so nothing can be kept for it.")
        asked = _asked(await inbound.receive())
        name = asked.plugin_key.removeprefix(PREFIX)
        servers = self._servers()
        await servers.added.refresh()
        server = servers.get(name, Asker(principal)) if asked.plugin_key.startswith(PREFIX) else None
        if server is None:
            raise BadCall("There is no plugin of this name here; MCP servers are `mcp_<server>`.", param="pluginKey")
        if asked.action == "uninstall":
            await servers.variables.put(principal.user_id, server.kept_as, {})
            return Answer(b"", 200)
        given = asked.auth or {}
        strange = sorted(set(given) - set(server.variables))
        if strange:
            raise BadCall(f"The MCP server {name} has no variable {strange[0]!r}.", param=f"auth.{strange[0]}")
        kept = dict(await servers.variables.get(principal.user_id, server.kept_as))
        kept |= {key: Secret(value) for key, value in given.items() if value}
        await servers.variables.put(
            principal.user_id, server.kept_as, {key: value for key, value in kept.items() if given.get(key, value)}
        )
        return Answer(b"", 200)

    async def _server_tools(self, server: Server, asker: Asker) -> Mapping[str, object]:
        from .failures import McpError

        try:
            listing = (await server.listing(asker)).by_name.values()
        except McpError:
            listing = {}.values()
        kept = await self._kept(asker.principal, server.kept_as) if server.variables else {}
        return {
            "name": server.name,
            "icon": server.settings.icon_path,
            "authenticated": all(kept.get(name) for name in server.variables),
            "authConfig": [
                {
                    "authField": name,
                    "label": one.title or name,
                    "description": one.description,
                    **({} if one.sensitive is None else {"sensitive": one.sensitive}),
                }
                for name, one in server.settings.custom_user_vars.items()
            ],
            "tools": [
                {"name": one.offered.original, "pluginKey": one.offered.name, "description": one.offered.description}
                for one in listing
            ],
        }

    async def _kept(self, principal: Principal, name: str) -> Mapping[str, Secret]:
        from .failures import Down

        try:
            return await self._servers().variables.get(principal.user_id, name)
        except Down:
            return {}

    async def _had(self, principal: Principal) -> Sequence[Server]:
        """What the caller has."""
        servers = self._servers()
        await servers.added.refresh()
        return servers.had_by(Asker(principal)) if servers.may(Asker(principal)) else ()

    async def _server(self, inbound: Inbound, principal: Principal) -> Server | None:
        servers = self._servers()
        await servers.added.refresh()
        return servers.get(inbound.params["name"], Asker(principal))

    def _servers(self) -> Servers:
        from .servers import Servers

        return Servers.of(self._settings, self._services)


def routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    mcp = McpRoutes(settings, services)
    return [
        RouteSpec("GET", "/api/mcp/tools", mcp.tools, summary="Tools of MCP servers, for LibreChat's client"),
        RouteSpec("GET", "/api/mcp/servers", mcp.servers, summary="MCP servers, for LibreChat's client"),
        RouteSpec("GET", "/api/mcp/connection/status", mcp.statuses, summary="How MCP servers are connected"),
        RouteSpec("GET", "/api/mcp/connection/status/{name}", mcp.status, summary="How one of them is"),
        RouteSpec("POST", "/api/mcp/{name}/reinitialize", mcp.reinitialize, summary="Connect to one of them anew"),
        RouteSpec("GET", "/api/mcp/{name}/auth-values", mcp.values, summary="Which of one's own values it has"),
        RouteSpec("POST", "/api/user/plugins", mcp.plugins, summary="Keep one's own values for an MCP server"),
    ]


async def _status(server: Server, principal: Principal) -> Mapping[str, object]:
    """Without connecting: clients ask again and again."""
    return {
        "requiresOAuth": server.wants_login,
        "connectionState": await server.state(Asker(principal)),
    }


def _described(server: Server) -> Mapping[str, object]:
    """What users may know; addresses, headers and programs are the operator's."""
    settings = server.settings
    said: dict[str, object] = {
        "type": {"http": "streamable-http"}.get(server.kind, server.kind),
        "title": settings.title,
        "description": settings.description,
        "iconPath": settings.icon_path,
        "chatMenu": settings.chat_menu,
        "requiresOAuth": server.wants_login,
        "source": "yaml",
    }
    if settings.custom_user_vars:
        said["customUserVars"] = {
            name: {"title": one.title, "description": one.description}
            for name, one in settings.custom_user_vars.items()
        }
    return {name: value for name, value in said.items() if value != ""}


def _asked(body: bytes) -> PluginAsked:
    try:
        asked = msgspec.json.decode(body, type=PluginAsked)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadCall("The body is not one of `pluginKey`, `action` and `auth`.") from error
    if asked.action not in ("install", "uninstall"):
        raise BadCall("The action is neither `install` nor `uninstall`.", param="action")
    if any(len(value) > LONGEST_VALUE for value in (asked.auth or {}).values() if value):
        raise BadCall(f"A value has more than {LONGEST_VALUE} characters.", param="auth")
    return asked


def _unknown(inbound: Inbound) -> Answer:
    return _told({"error": f"MCP server '{inbound.params['name']}' not found in configuration"}, 404)


def _told(value: object, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(value), status)
