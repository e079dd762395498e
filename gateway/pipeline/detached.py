"""Detached: calls that go on when the connection that asked for them has ended; whole exchanges all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import Unavailable
from ..inbound import Inbound
from ..tasks import ended
from .rehearsal import exchange_of
from .sink import Sink

if TYPE_CHECKING:
    from ..router import Router
    from . import Pipeline


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


class Detached:
    """Given to plugins before there is a pipeline; `bind` is called once everything is compiled. What runs belongs to
    the configuration that it began with, which lasts until it has ended, as it does for requests.
    """

    def __init__(self) -> None:
        self._bound: tuple[Router, Pipeline] | None = None
        self._tasks: set[asyncio.Task[Gathered]] = set()

    def bind(self, router: Router, pipeline: Pipeline) -> None:
        self._bound = router, pipeline

    @property
    def running(self) -> int:
        return len(self._tasks)

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

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def ended(self) -> None:
        """Once none runs."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def cut(self) -> None:
        """Ends those that still run; they are settled as those of clients that left."""
        for task in tuple(self._tasks):
            await ended(task)
