"""Servers: all of mcpServers, those that a reload leaves as they are included."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import quote

from msgspec import structs

from gateway import Asker, Finding, Secret, Services, Settings, UnsetVariable

from .logins import At, Logins
from .names import Names
from .records import Records
from .section import ALL_PATH, McpServer, McpServers, Menu, OAuth, Options
from .server import Server
from .target import Target, Unusable, target
from .variables import Variables

_STATE = "tools-mcp.servers"


class Servers:
    """by_name: in the file's order. findings: what is wrong with their settings."""

    def __init__(self, settings: Settings, services: Services, before: Servers | None) -> None:
        self.settings = settings
        self.findings: list[Finding] = []
        self.services = services
        is_same = before is not None and _kept_alike(before.services, services)
        records = Records(services)
        self.variables: Variables = before.variables if before and is_same else Variables(records)
        self.logins: Logins = (
            before.logins if before and is_same else Logins(records, services.vault, services.upstream, services.clock)
        )
        self._menu, self._options = settings.one(Menu), settings.one(Options)
        given = settings.one(McpServers).mcp_servers
        self.names = Names(given)
        self.by_name: Mapping[str, Server] = {
            name: self._server(name, server, before.by_name.get(name) if before else None)
            for name, server in given.items()
        }
        self._check_protocols(given)

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
        return self._menu.use or asker.principal.is_admin

    async def close(self) -> None:
        """For who used them without a lifespan."""
        await asyncio.gather(*(server.close() for server in self.by_name.values()))

    def shown(self) -> Sequence[Server]:
        return list(self.by_name.values())

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
        oauth, domain = given.oauth or OAuth(), (self.settings.env("DOMAIN_SERVER") or "").rstrip("/")
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
        return At(name, "", oauth, headers, oauth.redirect_uri or there)

    def _check_protocols(self, given: Mapping[str, McpServer]) -> None:
        for name in self._options.protocol:
            if name not in given:
                path = f"gateway.tools-mcp.protocol.{name}"
                self.findings.append(
                    Finding(path, "there is no MCP server of this name", "write it as in mcpServers", "warning")
                )


def substitute(settings: Settings, text: str) -> str:
    try:
        return settings.resolve(text)
    except UnsetVariable:
        return text


def _kept_alike(before: Services, after: Services) -> bool:
    """Whether what users keep is kept where it was, and is asked for in the same way."""
    return before.store is after.store and before.upstream is after.upstream
