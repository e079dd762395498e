"""Sweeper: what one process of a machine does again and again beside requests, as to delete what has expired."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from .errors import GatewayError
from .lifespan import Lifespan
from .tasks import ended


class Sweeper(Lifespan):
    """sweep: once, which raises Unavailable while it cannot. period: seconds between two. what: is not done then, for
    the log.
    """

    scope = "machine"

    def __init__(self, sweep: Callable[[], Awaitable[object]], period: float, what: str, log: logging.Logger) -> None:
        self._sweep = sweep
        self._period = period
        self._what = what
        self._log = log
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            await ended(self._task)
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                await self._sweep()
            except GatewayError as error:
                self._log.warning("%s now: %s", self._what, error.public)
            except Exception:
                self._log.exception("%s now", self._what)
            await asyncio.sleep(self._period)
