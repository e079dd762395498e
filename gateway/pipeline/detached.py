"""Detached: exchanges that go on without the connection that asked for them.

The one place that owns them, whatever they are for: calls that nobody waits for (`begin`), runs in the background, and
streams that may be taken up again (`start`). Each belongs to the configuration that it began with. A drain and a reload
wait for them as for requests; what has no time left is cut: its work is cancelled, settled as that of a client that
left, and then it may say for `LAST_WORDS` seconds what it came to.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import Unavailable
from ..inbound import Inbound, Principal
from ..tasks import ended
from .exchange import Exchange
from .keep import Finish
from .left import Left
from .rehearsal import exchange_of
from .sink import Sink

if TYPE_CHECKING:
    from ..router import Router
    from . import Pipeline

log = logging.getLogger("gateway.detached")
LAST_WORDS = 10.0
"""Seconds for what is cut to write what it came to."""
LastWords = Callable[[bool], Awaitable[None]]
"""Told, once the work has ended, whether it was cut."""


class Gathered(Sink):
    """A reply that nobody reads as it comes. cut: it broke off, or has not ended yet."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.cut = True
        self._body = bytearray()

    @property
    def body(self) -> bytes:
        return bytes(self._body)

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        await self.begin(status, headers)
        self.put(body)
        await self.end()

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.status, self.headers, self.began = status, headers, True

    def put(self, data: bytes) -> bool:
        self._body += data
        return True

    async def end(self) -> None:
        self.cut = False

    def abort(self) -> None:
        self.cut = True


class Going:
    """One that goes on. work: the exchange itself. task: that, and its last words."""

    def __init__(self, work: Coroutine[Any, Any, Any], last_words: LastWords | None) -> None:
        self.is_cut = False
        self.work = asyncio.create_task(work)
        self.task = asyncio.create_task(self._go(last_words))

    def end(self) -> None:
        """Its work is cancelled; it comes to its last words."""
        self.work.cancel()

    def cut(self) -> None:
        self.is_cut = True
        self.end()

    async def _go(self, last_words: LastWords | None) -> None:
        await asyncio.wait([self.work])
        if not self.work.cancelled() and (fault := self.work.exception()) is not None:
            log.error("fault in what went on without its client", exc_info=fault)
        if last_words is not None:
            await last_words(self.is_cut)


class Detached:
    """Given to plugins before there is a pipeline; `bind` is called once everything is compiled."""

    def __init__(self) -> None:
        self._bound: tuple[Router, Pipeline] | None = None
        self._going: set[Going] = set()

    def bind(self, router: Router, pipeline: Pipeline) -> None:
        self._bound = router, pipeline

    @property
    def running(self) -> int:
        return len(self._going)

    def begin(self, inbound: Inbound, target: str, body: bytes) -> asyncio.Task[Gathered]:
        """`POST target` with this body, in the name of who asks: with the headers of `inbound`, their credential
        included, through all that a request goes through. The task ends with what the client would have been answered,
        errors included, and is cancelled where the gateway stops before. Raises NotFound and BadCall.
        """
        if self._bound is None:
            raise Unavailable("The gateway has not started yet.")
        router, pipeline = self._bound
        exchange = exchange_of(router, inbound, target, body)

        async def run() -> Gathered:
            gathered = Gathered()
            await pipeline.handle(exchange, gathered)
            return gathered

        return self.start(run()).work

    def take_up(self, left: Left, principal: Principal) -> tuple[Exchange, Finish]:
        """An exchange that another process began, and what takes it to its settled record. Raises NotFound."""
        if self._bound is None:
            raise Unavailable("The gateway has not started yet.")
        router, pipeline = self._bound
        exchange = left.exchange(router, principal)
        exchange.detached = True
        return exchange, pipeline.resume

    def start(self, work: Coroutine[Any, Any, Any], last_words: LastWords | None = None) -> Going:
        """An exchange that has been let in: `work` takes it to its settled record, whatever happens."""
        going = Going(work, last_words)
        self._going.add(going)
        going.task.add_done_callback(lambda _: self._going.discard(going))
        return going

    async def ended(self) -> None:
        """Once none runs."""
        while self._going:
            await asyncio.wait([one.task for one in self._going])

    async def cut(self) -> None:
        """Ends those that still run."""
        going = tuple(self._going)
        for one in going:
            one.cut()
        for one in going:
            await ended(one.work)
        if going:
            await asyncio.wait([one.task for one in going], timeout=LAST_WORDS)
        for one in going:
            await ended(one.task)
