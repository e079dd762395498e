"""Follower: what is kept in memory of the store is read again when the store says that it has changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from .lifespan import Lifespan
from .tasks import ended

PERIOD, PATIENCE = 0.5, 10.0
"""Seconds between two looks, and for one of them with what is read."""


class Follower(Lifespan):
    """what: in words. revision: what grows with every change. load: reads all of it anew. known: whether it was read
    before a reload already, and holds until it is read again.

    While the store is away, what was read before holds. What was never read is not ready.
    """

    scope = "worker"

    def __init__(
        self,
        what: str,
        revision: Callable[[], Awaitable[int]],
        load: Callable[[], Awaitable[None]],
        log: logging.Logger,
        *,
        known: bool = False,
    ) -> None:
        self._what = what
        self._revision = revision
        self._load = load
        self._log = log
        self._known = known
        self._seen: int | None = None
        self._missing: str | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.look()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            await ended(self._task)
            self._task = None

    def failure(self) -> str | None:
        return None if self._known else self._missing

    def warning(self) -> str | None:
        return f"{self._missing}; those of the last time hold" if self._missing and self._known else None

    async def look(self) -> None:
        """Once. The revision is asked for first: what changes while it is read is read again."""
        try:
            async with asyncio.timeout(PATIENCE):
                revision = await self._revision()
                if revision != self._seen:
                    await self._load()
        except Exception as error:  # any store's any failure: the poller must outlive it
            if self._missing is None:
                self._log.warning("The store's %s cannot be read: %s", self._what, error or type(error).__name__)
            self._missing = f"the store's {self._what} cannot be read: {error or type(error).__name__}"
            return
        self._seen, self._known, self._missing = revision, True, None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            await self.look()
