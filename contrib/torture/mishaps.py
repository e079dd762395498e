"""What befalls a gateway before it is killed: one of its workers is killed, or its database. And how it is killed."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random

from lives import Victim

from gateway.testing.postgres import PostgresServer

WORKER, SUPERVISOR, DATABASE = 0.5, 0.3, 0.25
"""How often, where there is one to be killed."""
MORE_ARRIVALS = 20
"""Requests that come between two mishaps, at most."""


class Mishaps:
    """server: the database's, where it is ours to kill. happened: how often what did."""

    def __init__(self, victim: Victim, server: PostgresServer | None) -> None:
        self._victim = victim
        self._server = server
        self.happened: Counter[str] = Counter()

    async def befall(self, lot: Random, arrivals: Callable[[int], Awaitable[None]]) -> bool:
        """In the midst of a life's load, which goes on. Whether no process of the gateway was killed."""
        orderly = True
        if self._server is not None and lot.random() < DATABASE:
            await asyncio.to_thread(restart, self._server)
            self._count("database")
            await arrivals(lot.randint(1, MORE_ARRIVALS))
        if self._victim.workers > 1 and lot.random() < WORKER:
            self._victim.kill_worker(lot)
            self._count("worker")
            await arrivals(lot.randint(1, MORE_ARRIVALS))
            orderly = False
        return orderly

    async def end(self, lot: Random) -> bool:
        """The life. Whether its workers ended in order."""
        if self._victim.workers > 1 and lot.random() < SUPERVISOR:
            await self._victim.kill_supervisor()
            self._count("supervisor")
            return True
        await self._victim.kill()
        self._count("all")
        return False

    def _count(self, what: str) -> None:
        self.happened[what] += 1


def restart(server: PostgresServer) -> None:
    """As after a crash: it is ended at once, and recovers."""
    server.stop(signal.SIGQUIT)
    server.start()
