"""Sweeper: what has expired is deleted, and runs whose worker is gone have failed. One in a machine is enough."""

from __future__ import annotations

import asyncio

from gateway import GatewayError, Lifespan, ended

from .kept import Kept
from .runs import ended_in_silence

PERIOD = 60.0


class Sweeper(Lifespan):
    scope = "machine"

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            await ended(self._task)
            self._task = None

    async def sweep(self) -> None:
        """Once. Raises Unavailable."""
        kept = self._kept
        silent = await kept.responses.abandoned(kept.now() - kept.settings.silence)
        await asyncio.gather(*(ended_in_silence(kept, response) for response in silent))
        await kept.responses.purge(kept.now())

    async def _run(self) -> None:
        while True:
            try:
                await self.sweep()
            except GatewayError as error:
                self._kept.log.warning("what has expired is not deleted now: %s", error.public)
            except Exception:
                self._kept.log.exception("what has expired is not deleted now")
            await asyncio.sleep(min(PERIOD, self._kept.settings.silence))
