"""Serving: one Assembly, and the requests that began with it."""

from __future__ import annotations

import asyncio

from ..peers import Peers
from ..pipeline.compile import Assembly


class Serving:
    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self.core = assembly.core
        self.peers = Peers(assembly.core.listen.trusted_proxies)
        self._requests = 0
        self._detached = assembly.services.detached
        self._idle = asyncio.Event()

    @property
    def running(self) -> int:
        """How many of its requests have not ended, those included that go on without a connection."""
        return self._requests + self._detached.running

    def begin(self) -> None:
        self._requests += 1

    def end(self) -> None:
        self._requests -= 1
        if not self._requests:
            self._idle.set()

    async def ended(self) -> None:
        """Once none runs; of one that still serves, another may begin."""
        while self.running:
            await self._detached.ended()
            if self._requests:
                self._idle.clear()
                await self._idle.wait()

    async def cut(self) -> None:
        """Ends what goes on without a connection; connections are ended elsewhere."""
        await self._detached.cut()
