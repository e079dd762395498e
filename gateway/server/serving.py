"""Serving: one Assembly, and the requests that began with it."""

from __future__ import annotations

import asyncio

from ..peers import Peers
from ..pipeline.compile import Assembly


class Serving:
    """running: how many of its requests have not ended."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self.core = assembly.core
        self.peers = Peers(assembly.core.listen.trusted_proxies)
        self.running = 0
        self._idle = asyncio.Event()

    def begin(self) -> None:
        self.running += 1

    def end(self) -> None:
        self.running -= 1
        if not self.running:
            self._idle.set()

    async def ended(self) -> None:
        """Once none runs; of one that still serves, another may begin."""
        while self.running:
            self._idle.clear()
            await self._idle.wait()
