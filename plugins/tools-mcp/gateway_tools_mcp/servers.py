"""Servers: all of mcpServers, those that a reload leaves as they are included, and those that users added."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import quote

from msgspec import structs

from gateway import Asker, Finding, RolePermissions, Secret, Services, Settings, ToolTraffic, UnsetVariable
from gateway.oauth import Logins, Records

from .added import Added, AddedServers
from .at import At
from .domains import is_allowed
from .names import Names, normal
from .section import ALL_PATH, McpServer, McpServers, McpSettings, OAuth, Options
from .server import Server
from .target import Target, Unusable, target
from .variables import Variables

_STATE = "tools-mcp.servers"


class Servers:
    """by_name: the file's, in its order. findings: what is wrong with their settings. names: of all of them."""

    def __init__(self, settings: Settings, services: Services, before: Servers | None) -> None:
        self.settings = settings
        self.findings: list[Finding] = []
        self.services = services
        is_same = before is not None and _kept_alike(before.services, services)
        records = Records(services)
        self.variables: Variables = before.variables if before and is_same else Variables(records)
        self.logins: Logins = before.logins if before and is_same else Logins("mcp", services)
        self._options = settings.one(Options)
        self.traffic = ToolTraffic.of(services.state)
        self._roles = RolePermissions.of(settings, services)
        given = settings.one(McpServers).mcp_servers
        self.names = Names(given)
        self.taken = frozenset(one for name, alias in self.names.aliases.items() for one in (name, alias, normal(name)))
        self.added = AddedServers.of(services)
        self.added.watchers.add(self)
        self._visible: Mapping[str, Added] = {}
        self._used: dict[str, tuple[Added, Server]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.by_name: Mapping[str, Server] = {
            name: self._server(name, server, before.by_name.get(name) if before else None)
            for name, server in given.items()
        }
        self._check_protocols(given)
        self.take()

    @classmethod
    def of(cls, settings: Settings, services: Services) -> Servers:
        """The same for all hooks of one configuration."""
        kept = cast("Servers | None", services.state.get(_STATE))
        if kept is None or kept.settings is not settings:
            kept = cls(settings, services, kept)
            services.state[_STATE] = kept
        return kept

    @property
    def options(self) -> Options:
        return self._options

    def may(self, asker: Asker) -> bool:
        """Whether this caller may use MCP servers at all."""
        return self._roles.mcp_servers(asker.principal.role).use

    def may_add(self, asker: Asker) -> bool:
        granted = self._roles.mcp_servers(asker.principal.role)
        return granted.use and granted.create

    def get(self, name: str, asker: Asker) -> Server | None:
        """Of the file, or one that this caller has; an agent has those of its author, and no others."""
        if name in self.by_name:
            return self.by_name[name]
        added = self._visible.get(name)
        return self._running(added) if added is not None and added.user == _owner(asker) else None

    async def close(self) -> None:
        """For who used them without a lifespan."""
        await asyncio.gather(*(server.close() for server in self.by_name.values()))
        await self.close_added()

    async def close_added(self) -> None:
        running = [server for _, server in self._used.values()]
        self._used.clear()
        await asyncio.gather(*(server.close() for server in running), *self._closing)

    def shown(self) -> Sequence[Server]:
        return list(self.by_name.values())

    def had_by(self, asker: Asker) -> Sequence[Server]:
        """All that this caller has."""
        own = [added for added in self._visible.values() if added.user == _owner(asker)]
        return [*self.by_name.values(), *(self._running(added) for added in own)]

    def take(self) -> None:
        """Users' servers are others now. Those that are gone or changed are closed. An operator's server has its name
        whoever had it before.
        """
        visible = {name: added for name, added in self.added.by_name.items() if name not in self.taken}
        self._visible = visible
        self.names = Names([*self.by_name, *visible])
        for name, (added, server) in list(self._used.items()):
            if visible.get(name) is not added:
                del self._used[name]
                task = asyncio.create_task(server.close())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

    def allows(self, url: str) -> bool:
        where = self.settings.one(McpSettings)
        return is_allowed(url, where.allowed_domains, where.allowed_addresses)

    def tried(self, added: Added) -> Server:
        """One by itself, to see whether it can be used; close it."""
        return self._made(added)

    def _running(self, added: Added) -> Server:
        found = self._used.get(added.name)
        if found is None or found[0] is not added:
            server = self._made(added)
            server.hold()
            found = self._used[added.name] = added, server
        return found[1]

    def _made(self, added: Added) -> Server:
        """Variables of the environment are not for it."""
        given, unavailable, found = added.given.server, "", None
        try:
            found = target(given, Settings.of(self.settings.one(McpSettings)), "user")
        except (Unusable, UnsetVariable) as error:
            unavailable = str(error)
        services, domain = self.services, self._domain
        there = f"{domain}/api/mcp/{added.name}/oauth/callback" if domain else ""
        return Server(
            added.name,
            added.name,
            given,
            found,
            unavailable,
            structs.replace(self._options, protocol={}),
            services.upstream,
            self.variables,
            self.logins,
            At.of(added.name, given.oauth or OAuth(), {}, there, "user"),
            services.log,
            kept_as=added.kept_as,
            traffic=self.traffic,
        )

    @property
    def _domain(self) -> str:
        """How browsers reach this gateway."""
        return (self.settings.env("DOMAIN_SERVER") or "").rstrip("/")

    def _server(self, name: str, given: McpServer, before: Server | None) -> Server:
        found, unavailable = self._target(name, given)
        services = self.services
        fresh = Server(
            name,
            self.names.aliases[name],
            given,
            found,
            unavailable,
            self._options,
            services.upstream,
            self.variables,
            self.logins,
            self._at(name, given, found),
            services.log,
            traffic=self.traffic,
        )
        return before if before is not None and before.is_same(fresh) else fresh

    def _target(self, name: str, given: McpServer) -> tuple[Target | None, str]:
        path = f"{ALL_PATH}.{name}"
        try:
            return target(given, self.settings), ""
        except UnsetVariable as error:
            what, todo = f"the variable {error} is not set", "set it in the environment or in .env"
        except Unusable as error:
            path, what, todo = f"{path}.{error.key}", f"{error.key}: {error}", error.todo
        self.findings.append(Finding(path, f"this server is not reached: {what}", todo, "warning"))
        return None, what

    def _at(self, name: str, given: McpServer, found: Target | None) -> At | None:
        """Where its users log in; of a program nowhere. What cannot be resolved stays as it is written."""
        if found is None or found.kind == "stdio":
            return None
        oauth, domain = given.oauth or OAuth(), self._domain
        texts = {
            key: substitute(self.settings, getattr(oauth, key))
            for key in ("authorization_url", "token_url", "client_id", "scope", "redirect_uri", "audience")
        }
        secret = Secret(substitute(self.settings, oauth.client_secret.reveal()))
        oauth = structs.replace(oauth, client_secret=secret, **texts)
        there = f"{domain}/api/mcp/{quote(name, safe='')}/oauth/callback" if domain else ""
        headers = {
            header.lower(): substitute(self.settings, text.reveal()) for header, text in given.oauth_headers.items()
        }
        return At.of(name, oauth, headers, oauth.redirect_uri or there)

    def _check_protocols(self, given: Mapping[str, McpServer]) -> None:
        for name in self._options.protocol:
            if name not in given:
                path = f"gateway.tools-mcp.protocol.{name}"
                self.findings.append(
                    Finding(path, "there is no MCP server of this name", "write it as in mcpServers", "warning")
                )


def _owner(asker: Asker) -> str:
    """Whose servers it has."""
    return (asker.author if asker.agent else asker.principal.user_id) or "nobody"


def substitute(settings: Settings, text: str) -> str:
    try:
        return settings.resolve(text)
    except UnsetVariable:
        return text


def _kept_alike(before: Services, after: Services) -> bool:
    """Whether what users keep is kept where it was, and is asked for in the same way."""
    return before.store is after.store and before.upstream is after.upstream
