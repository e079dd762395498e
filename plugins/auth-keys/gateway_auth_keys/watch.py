"""RevisionWatch: tells the cache of this worker when keys or users have changed, whoever changed them."""

from __future__ import annotations

import asyncio
import logging

from gateway import Lifespan, Store, ended

from .cache import KeyCache

PERIOD = 0.5
PATIENCE = 1.0


class RevisionWatch(Lifespan):
    """Polls the store twice a second. While that fails, keys that are known are taken for the cache's grace."""

    scope = "worker"

    def __init__(self, store: Store | None, cache: KeyCache, log: logging.Logger) -> None:
        self._store = store
        self._cache = cache
        self._log = log
        self._seen: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._missing: str | None = None
        """Why the store cannot be asked."""
        self._taken = True
        """Whether known keys were taken when that was last told."""

    async def start(self) -> None:
        if self._store is None:
            return
        await self._poll(self._store)
        self._task = asyncio.create_task(self._run(self._store))
        self._cache.watched += 1

    async def stop(self) -> None:
        """After a reload another one has it in view already."""
        if self._task is None:
            return
        task, self._task = self._task, None
        await ended(task)
        self._cache.watched -= 1
        if not self._cache.watched:
            self._cache.clear()

    def failure(self) -> str | None:
        if self._store is None:
            return (
                "auth-keys: there is no store, so only GATEWAY_API_KEY lets anyone in; "
                "install or enable plugins/store-sql"
            )
        return self._missing if self._missing and not self._cache.left() else None

    def warning(self) -> str | None:
        left = self._cache.left()
        return f"{self._missing}; known ones are taken for another {left:.0f} s" if self._missing and left else None

    async def _run(self, store: Store) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            await self._poll(store)

    async def _poll(self, store: Store) -> None:
        asked = self._cache.clock()
        try:
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes together with the answer.
            async with asyncio.timeout(PATIENCE):
                revision = await store.keys.revision()
        except Exception as error:  # any store's any failure: the poller must outlive it, and nothing is trusted
            self._failed(error)
            return
        self._missing = None
        if revision != self._seen:
            self._seen = revision
            self._cache.clear()
        # What is cached from now on was asked for later than this, and what was cached before is still true.
        self._cache.prove(asked)

    def _failed(self, error: Exception) -> None:
        """When it can be asked again, it may be another, or of an earlier day: nothing is trusted then."""
        self._seen = None
        self._cache.miss()
        reason, left = (
            f"auth-keys: the store of keys cannot be asked: {error or type(error).__name__}",
            self._cache.left(),
        )
        taken = left > 0
        if self._missing is None or taken != self._taken:
            effect = f"known keys are taken for another {left:.0f} s" if taken else "keys are refused until it can"
            self._log.warning("%s; %s", reason, effect)
        self._missing, self._taken = reason, taken
