"""Server: one of mcpServers, with its connections: one for all, or one for each who shows something else there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from msgspec import Raw, structs

from gateway import ANONYMOUS, Asker, ServerTool, ToolTraffic, Upstream, ended
from gateway.oauth import Lacking, Logins, Site

from .at import At
from .authority import Finder
from .connection import Connection
from .dial import by_http, by_program
from .failures import Down, Faulted, HttpRefused, McpError
from .headers import parameter_headers
from .lines import Lines
from .link import LONGEST_PAUSE, Link, Prove
from .listing import Listing
from .messages import HEADER_MISMATCH
from .place import Place
from .section import OWN_KEY, Era, McpServer, Options
from .target import Filled, Target
from .templates import Values
from .variables import Variables

T = TypeVar("T")
SOURCE = "mcp"
"""As metrics name it."""
IDLE = 600.0
"""Seconds after which a connection for one user is closed."""
SWEEP = 60.0
BEARER = "Bearer "
NOBODY = Asker(ANONYMOUS)


class Server:
    """name: in mcpServers, or of one that a user added. alias: in names of tools. target: None where `unavailable` says
    why it cannot be used. kept_as: by which users' values for it are kept, where a user added it.
    """

    def __init__(
        self,
        name: str,
        alias: str,
        settings: McpServer,
        target: Target | None,
        unavailable: str,
        options: Options,
        upstream: Upstream,
        variables: Variables,
        logins: Logins,
        at: At | None,
        log: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
        kept_as: str = "",
        traffic: ToolTraffic | None = None,
    ) -> None:
        self.kept_as = kept_as or name
        self.counted_as = "user" if kept_as else name
        self._traffic = traffic or ToolTraffic()
        self.name, self.alias, self.settings = name, alias, settings
        self.target, self.unavailable = target, unavailable
        self.label = settings.title or name
        self.patience = (settings.timeout or 60_000) / 1000
        self._options, self._upstream, self._variables = options, upstream, variables
        self.logins, self._at = logins, at
        self.wants_login = settings.requires_oauth or settings.oauth is not None
        self.challenge = ""
        self._log, self._clock = log, clock
        self._era: Era = options.protocol.get(name, "auto")
        self._known: Era = "auto"
        self._links: OrderedDict[str, Link] = OrderedDict()
        self._shared: tuple[Listing, float] | None = None
        self._said = self._version = ""
        self._fixed: Filled | None = None
        self._holders = 0
        self._keeping: list[asyncio.Task[None]] = []
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def is_personal(self) -> bool:
        return self.target is None or self.target.is_personal or self.wants_login

    @property
    def _ends_idle(self) -> bool:
        return self.is_personal or self.target is None or self.target.trust == "user"

    @property
    def link(self) -> Link | None:
        """That of everybody, where there is one."""
        return next(iter(self._links.values()), None) if not self.is_personal else None

    @property
    def trouble(self) -> str | None:
        """Why it does not serve anybody now, as far as is known."""
        if self.unavailable:
            return self.unavailable
        return self.link.trouble if self.link is not None else None

    @property
    def kind(self) -> str:
        return self.target.kind if self.target is not None else ""

    @property
    def variables(self) -> Sequence[str]:
        """What each user has an own value for."""
        own = (OWN_KEY,) if self.settings.api_key is not None and self.settings.api_key.source == "user" else ()
        return tuple(dict.fromkeys((*self.settings.custom_user_vars, *own)))

    @property
    def version(self) -> str:
        """Of the protocol, as it was spoken last."""
        return self._version

    @property
    def connections(self) -> int:
        return sum(link.connected is not None for link in self._links.values())

    async def state(self, asker: Asker) -> str:
        """In LibreChat's words, of this caller's connection. Nothing is connected by it."""
        if self.target is None:
            return "error"
        try:
            link = self._links.get((await self._filled(asker))[0].key)
        except McpError:
            return "disconnected"
        if link is None or (link.connected is None and link.trouble is None):
            return "disconnected"
        return "error" if link.trouble is not None else "connected"

    @property
    def instructions(self) -> str:
        """For models, as the operator wants them told."""
        wanted = self.settings.server_instructions
        if isinstance(wanted, str):
            return (
                "" if wanted.strip().lower() == "false" else self._said if wanted.strip().lower() == "true" else wanted
            )
        return self._said if wanted else ""

    def is_same(self, other: Server) -> bool:
        """Whether a reload may go on with this one: it would do nothing else."""
        ours = (
            self.alias,
            self.settings,
            self.target,
            self._options,
            self._era,
            self._upstream,
            self._variables,
            self._at,
        )
        theirs = (
            other.alias,
            other.settings,
            other.target,
            other._options,
            other._era,
            other._upstream,
            other._variables,
            other._at,
        )
        return ours == theirs

    async def listing(self, asker: Asker) -> Listing:
        """Raises McpError."""
        return await self._as_known(lambda: self._listing(asker))

    async def _listing(self, asker: Asker) -> Listing:
        link, _ = await self.reach(asker)
        if self._shared is not None and self._clock() < self._shared[1]:
            return self._shared[0]
        found = await link.listing()
        if found.shared and found.seconds:
            self._shared = found, self._clock() + found.seconds
        return found

    async def call(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> Raw:
        """The result. Raises McpError."""
        return await self._as_known(lambda: self._called(tool, arguments, asker))

    async def _as_known(self, work: Callable[[], Awaitable[T]]) -> T:
        """Once more where it turns out that users have to log in: this one may have done so."""
        had_login = self.wants_login
        try:
            return await work()
        except HttpRefused as error:
            self._note(error)
            if had_login or not self.wants_login:
                raise
        return await work()

    async def _called(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> Raw:
        link, own = await self.reach(asker)
        try:
            return await self._call(link, own, tool, arguments)
        except Faulted as error:
            if error.fault.code != HEADER_MISMATCH:
                raise
        link.outdated()  # The tool wants other headers by now; nothing was done.
        await link.listing()
        return await self._call(link, own, tool, arguments)

    async def _call(self, link: Link, own: Mapping[str, str], tool: ServerTool, arguments: Mapping[str, Any]) -> Raw:
        """A list of tools is asked for only where none has been, as after a start in the midst of a run."""
        listing = link.listed or (self._shared[0] if self._shared is not None else await link.listing())
        known = listing.by_name.get(tool.name)
        repeated = parameter_headers(known.headers, arguments) if known is not None and known.headers else {}
        params = {"name": tool.original, "arguments": dict(arguments)}
        return await link.ask("tools/call", params, {**own, **repeated}, self.patience)

    async def reach(self, asker: Asker) -> tuple[Link, Mapping[str, str]]:
        """The connection for this caller, and the headers of this call. Raises Down."""
        filled, values = await self._filled(asker)
        assert self.target is not None
        link = self._links.get(filled.key)
        if link is None:
            link = self._links[filled.key] = self._new(filled, asker.principal.user_id)
            self._evict()
        self._links.move_to_end(filled.key)
        return link, self.target.of_call(asker, values)

    def forget(self, link: Link) -> None:
        """What failed counts no more, and it is connected to anew."""
        self._shared = None
        link.forget()

    def hold(self) -> None:
        """For a configuration that serves."""
        self._holders += 1
        if self._holders > 1 or self.target is None:
            return
        self._keeping.append(asyncio.create_task(self._sweep()))
        if self.settings.startup and not self.is_personal:
            self._keeping.append(asyncio.create_task(self._keep()))

    async def release(self) -> None:
        """The last one closes it."""
        self._holders -= 1
        if self._holders <= 0:
            await self.close()

    async def close(self) -> None:
        for task in self._keeping:
            await ended(task)
        self._keeping.clear()
        links = list(self._links.values())
        self._links.clear()
        await asyncio.gather(*(link.close() for link in links), *self._closing)

    async def _filled(self, asker: Asker) -> tuple[Filled, Values]:
        """Raises Down."""
        if self.target is None:
            raise Down(self.unavailable)
        values = await self._values(asker)
        filled = self._fixed or self.target.fill(asker, values)
        if self.wants_login:
            user = asker.principal.user_id
            await self._token(user, self._located(filled))
            return structs.replace(filled, key=f"{user} {filled.key}"), values
        if not self.target.is_personal:
            self._fixed = filled
        return filled, values

    async def _values(self, asker: Asker) -> Values:
        """Raises Down where the caller has not given all of them."""
        assert self.target is not None
        if not self.target.names:
            return {}
        values = await self._variables.get(asker.principal.user_id, self.kept_as)
        missing = sorted(name for name in self.target.names if not values.get(name))
        if missing:
            raise Down(f"it needs {', '.join(missing)} of who calls, and nothing is kept for this user")
        return values

    async def site(self, asker: Asker) -> Site:
        """Where this caller would log in. Raises Down."""
        if self.target is None or self._at is None:
            raise Down(self.unavailable or "nobody logs in to a program")
        return self._located(self.target.fill(asker, await self._values(asker)))

    async def begin(self, user: str, site: Site, browser: str) -> str:
        """The address where the user logs in. Raises Down and Unavailable."""
        assert self._at is not None
        self.logins.check(site)
        try:
            finder = Finder(self._upstream, site.url, self._at.oauth, site.headers, site.trust)
            return await self.logins.begin(user, site, await finder.find(self.challenge), browser)
        except Lacking as error:
            raise Down(str(error)) from error

    async def _token(self, user: str, site: Site, refused: str = "") -> str:
        """Raises Down."""
        try:
            return await self.logins.token(user, site, refused)
        except Lacking as error:
            raise Down(str(error)) from error

    def _located(self, filled: Filled) -> Site:
        if self._at is None:
            raise Down("nobody logs in to a program")
        return structs.replace(self._at.site, url=filled.url, trust=filled.trust)

    def _prover(self, filled: Filled, user: str) -> Prove | None:
        if not self.wants_login:
            return None
        site = self._located(filled)

        async def prove(refused: str) -> Mapping[str, str]:
            token = await self._token(user, site, refused.removeprefix(BEARER))
            return {"authorization": BEARER + token}

        return prove

    def _new(self, filled: Filled, user: str) -> Link:
        settings = self.settings
        prove = self._prover(filled, user)
        return Link(
            self.name,
            self.alias,
            self.label,
            lambda: self._connected(filled, prove),
            self._log,
            prove=prove,
            patience=(settings.init_timeout or 30_000) / 1000,
            keeps=self._options.list_seconds,
            clock=self._clock,
            stands=partial(self._traffic.stands, SOURCE, self.counted_as),
        )

    async def _connected(self, filled: Filled, prove: Prove | None) -> Connection:
        connection = await self._let_in(filled, prove)
        self._said, self._version = connection.welcome.instructions, connection.welcome.version
        return connection

    async def _let_in(self, filled: Filled, prove: Prove | None) -> Connection:
        """Raises McpError; where it is that users have to log in, that is known from then on."""
        proof = await prove("") if prove is not None else {}
        try:
            return await self._dial(structs.replace(filled, headers={**filled.headers, **proof}))
        except HttpRefused as error:
            self._note(error)
            if error.status != 401 or prove is None:
                raise
        proof = await prove(proof["authorization"])
        return await self._dial(structs.replace(filled, headers={**filled.headers, **proof}))

    def _note(self, error: HttpRefused) -> None:
        if "bearer" not in error.challenge.lower():
            return
        self.challenge = error.challenge
        if error.status == 401 and self.target is not None and "authorization" not in self.target.headers:
            if not self.wants_login:
                self._log.info("mcp: %s: users have to log in to it", self.name)
            self.wants_login = True

    async def _dial(self, filled: Filled) -> Connection:
        assert self.target is not None
        largest = self._options.largest_message
        if filled.program is not None:
            said = Lines(self.name, self._log, self._clock)
            connection = await by_program(filled.program, largest, said, self._era, self._known)
            self._known = "auto" if connection.is_modern else "2025"
            return connection
        place = Place(
            self._upstream,
            filled.url,
            filled.headers,
            trust=filled.trust,
            patience=self.patience,
            silence=(self.settings.sse_read_timeout or 300_000) / 1000,
            largest=largest,
        )
        return await by_http(place, "sse" if self.target.kind == "sse" else "http", self._era)

    def _evict(self) -> None:
        """The one that was not used for longest; those in use stay."""
        while len(self._links) > self._options.most_connections:
            key = next((key for key, link in self._links.items() if not link.busy), None)
            if key is None:
                return
            self._close(key)

    def _close(self, key: str) -> None:
        task = asyncio.create_task(self._links.pop(key).close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            for key, link in list(self._links.items()):
                if self._ends_idle and not link.busy and self._clock() - link.used > IDLE:
                    self._close(key)

    async def _keep(self) -> None:
        """It is connected to without being asked for, and again when it is lost, so that operators know."""
        while True:
            try:
                link, _ = await self.reach(NOBODY)
            except McpError as error:
                self._log.warning("mcp: %s: %s", self.name, error)
                return
            try:
                link.outdated()
                await link.listing()
            except McpError:
                if self.wants_login:
                    return  # Each user connects for himself.
                await asyncio.sleep(link.pause or LONGEST_PAUSE / 12)
            else:
                await link.troubled.wait()
                await asyncio.sleep(link.pause)
