"""Link: a server for one authorization. Its connection is made when it is needed, and again when it is lost."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Raw

from gateway import Connected, ended

from .connection import Connection
from .failures import Down, HttpRefused, Lost, McpError, SessionGone
from .listing import Listing, listed
from .messages import Params

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
OTHER_ERA = frozenset((400, 404, 405, 406))
"""Statuses of a server that was exchanged for one of another era: it is asked again what it is."""


Prove = Callable[[str], Awaitable[Mapping[str, str]]]


class Link:
    """dial: connects; raises McpError. name: for the log. patience: seconds to be connected. prove: headers of who is
    logged in, by what the server has refused; raises Down.

    trouble: why it does not serve now, as far as is known; None when all is well. used: when it was, by the clock.
    keeps: seconds for which a list of tools is kept where the server does not say. stands: told of each change of how
    it stands, and whether it is up again.
    """

    def __init__(
        self,
        name: str,
        alias: str,
        label: str,
        dial: Callable[[], Awaitable[Connection]],
        log: logging.Logger,
        *,
        prove: Prove | None = None,
        patience: float = 30.0,
        keeps: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        stands: Callable[[Connected, Connected, bool], None] | None = None,
    ) -> None:
        self.name, self._alias, self._label = name, alias, label
        self._dial, self._log, self._clock = dial, log, clock
        self._prove = prove or _nobody
        self._patience, self._keeps = patience, keeps
        self.trouble: str | None = None
        self.used = clock()
        self.busy = 0
        self.troubled = asyncio.Event()
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None
        self._failures = 0
        self._again = float("-inf")
        self._listing: Listing | None = None
        self._stale = float("-inf")
        self._refresh: asyncio.Task[Listing] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False
        self._told = stands
        self._standing: Connected = ""
        self._was_up = False

    @property
    def connected(self) -> Connection | None:
        return self._connection

    @property
    def pause(self) -> float:
        """Seconds until it may be tried again."""
        return max(0.0, self._again - self._clock())

    async def connection(self) -> Connection:
        """Who comes together waits for one. Raises McpError; at once while the last failure is fresh."""
        if self._connection is not None and self._connection.lost is None:
            return self._connection
        if self._connecting is None:
            if self.pause > 0:
                raise Down(self.trouble or "the server cannot be reached")
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(self._connected)
        return await asyncio.shield(self._connecting)

    async def ask(self, method: str, params: Params, headers: Mapping[str, str], seconds: float) -> Raw:
        """Raises McpError. A session that the server has forgotten is begun anew, for nothing was done then."""
        self.used = self._clock()
        self.busy += 1
        try:
            try:
                return await self._ask(method, params, headers, seconds)
            except SessionGone:
                return await self._ask(method, params, headers, seconds)
        except SessionGone as error:
            raise Down("the server forgets its sessions at once") from error
        finally:
            self.busy -= 1
            self.used = self._clock()

    @property
    def listed(self) -> Listing | None:
        """The list of tools as it was last, new or not."""
        return self._listing

    async def listing(self) -> Listing:
        """Kept for as long as the server allows. Raises McpError."""
        if self._listing is not None and self._clock() < self._stale:
            return self._listing
        if self._refresh is None:
            self._refresh = asyncio.create_task(self._list())
            self._refresh.add_done_callback(self._listed)
        return await asyncio.shield(self._refresh)

    def forget(self) -> None:
        """The next one who asks connects, whatever failed before."""
        self._drop("it was told to connect anew")
        self._failures, self._again = 0, float("-inf")

    def outdated(self) -> None:
        """The list of tools is another by now."""
        self._stale = float("-inf")

    async def close(self) -> None:
        self._closed = True
        for task in (self._connecting, self._refresh):
            if task is not None:
                await ended(task)
        self._drop("it was closed")
        self._stand("")
        if self._closing:
            await asyncio.wait(self._closing)

    async def _ask(self, method: str, params: Params, headers: Mapping[str, str], seconds: float) -> Raw:
        """What proves who asks is renewed once where the server does not take it."""
        proof = await self._prove("")
        try:
            return await self._asked(method, params, {**headers, **proof}, seconds)
        except HttpRefused as error:
            if error.status != 401 or not proof:
                raise
        proof = await self._prove(proof["authorization"])
        return await self._asked(method, params, {**headers, **proof}, seconds)

    async def _asked(self, method: str, params: Params, headers: Mapping[str, str], seconds: float) -> Raw:
        connection = await self.connection()
        try:
            async with asyncio.timeout(seconds):
                result = await connection.ask(method, params, headers)
        except TimeoutError as error:
            raise Lost(f"the server did not answer within {seconds:g} s") from error
        except HttpRefused as error:
            self._failed(str(error))
            if error.status in OTHER_ERA:
                self._drop(str(error), connection)
            raise
        except SessionGone as error:
            self._drop(str(error), connection)
            raise
        except (Down, Lost) as error:
            self._failed(str(error))
            if connection.lost is not None:
                self._drop(connection.lost, connection)
            raise
        self._well()
        return result

    async def _connect(self) -> Connection:
        try:
            async with asyncio.timeout(self._patience):
                connection = await self._dial()
        except TimeoutError:
            self._refused(f"the server was not ready within {self._patience:g} s")
            raise Down(self.trouble or "") from None
        except McpError as error:
            self._refused(str(error))
            raise
        connection.changed = self.outdated
        connection.ended = self._lost
        self._connection = connection
        self._stand("up")
        self.outdated()
        self._failures = 0
        self._well()
        self._log.info("mcp: %s: connected, version %s", self.name, connection.welcome.version)
        return connection

    def _connected(self, task: asyncio.Task[Connection]) -> None:
        self._connecting = None
        if not task.cancelled():
            task.exception()

    async def _list(self) -> Listing:
        connection = await self.connection()
        if not connection.welcome.has_tools:
            found = Listing({})
        else:
            found = await listed(
                lambda params: self.ask("tools/list", params, {}, self._patience), self._alias, self._label
            )
        for dropped in found.dropped:
            self._log.warning("mcp: %s: a tool is not offered: %s", self.name, dropped)
        self._listing = found
        self._stale = self._clock() + (self._keeps if found.seconds is None else found.seconds)
        return found

    def _listed(self, task: asyncio.Task[Listing]) -> None:
        self._refresh = None
        if not task.cancelled():
            task.exception()

    def _lost(self) -> None:
        if self._connection is not None and self._connection.lost is not None:
            self._failed(self._connection.lost)
            self._drop(self._connection.lost)

    def _drop(self, why: str, which: Connection | None = None) -> None:
        connection = self._connection
        if connection is None or (which is not None and which is not connection):
            return
        self._connection = None
        self._stand("down" if self.trouble is not None else "")
        self.outdated()
        task = asyncio.create_task(connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _refused(self, why: str) -> None:
        """The next attempt waits, each time longer, and not as long as that of others that failed with it."""
        self._failures += 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures - 1, 10))
        self._again = self._clock() + pause * random.uniform(0.8, 1.2)  # noqa: S311
        self._failed(why)
        self._stand("down")

    def _stand(self, now: Connected) -> None:
        before, self._standing = self._standing, now
        if self._told is not None and before != now:
            self._told(before, now, now == "up" and self._was_up)
        self._was_up = self._was_up or now == "up"

    def _failed(self, why: str) -> None:
        """Told when it begins and when the reason changes."""
        if why != self.trouble and not self._closed:
            self._log.warning("mcp: %s: %s", self.name, why)
        self.trouble = why
        self.troubled.set()

    def _well(self) -> None:
        if self.trouble is not None:
            self._log.info("mcp: %s: it is there again", self.name)
        self.trouble = None
        self.troubled.clear()


async def _nobody(refused: str) -> Mapping[str, str]:
    return {}
