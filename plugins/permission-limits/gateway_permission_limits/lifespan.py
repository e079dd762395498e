"""LimitsLifespan: opens the counters, and renews what this process holds of them."""

from __future__ import annotations

import asyncio
import logging

from gateway import Counters, GatewayError, Lifespan, ended

from .local import LocalCounters


class LimitsLifespan(Lifespan):
    """period: seconds between renewals, a fraction of a lease. counters: those that are asked, `local` among them."""

    scope = "worker"

    def __init__(self, counters: Counters, local: LocalCounters, period: float, log: logging.Logger) -> None:
        self._counters = counters
        self._local = local
        self._period = period
        self._log = log
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._counters.open()
        self._task = asyncio.create_task(self._renew())

    async def stop(self) -> None:
        if self._task is not None:
            await ended(self._task)
            self._task = None
            await self._counters.close()

    def warning(self) -> str | None:
        return self._counters.failure()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            try:
                await self._local.renew()
            except GatewayError as error:
                self._log.error("slots were not renewed: %s", error.public)
