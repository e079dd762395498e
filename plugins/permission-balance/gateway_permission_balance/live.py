"""Live: the holds of this process, which are renewed while it runs; what nobody renews is ended, by whoever runs."""

from __future__ import annotations

import asyncio
import logging
import time
from abc import abstractmethod
from collections.abc import Callable

from gateway import Ledger, Lifespan, Services, ended

Live = dict[str, None]
"""Ids of attempts, in the order that they began."""
_STATE = "permission-balance.live"
SWEEP_EVERY = 2.0
AGAIN = 5.0
"""Seconds until another try, where what is done less often failed."""
RENEWALS = 3
"""Within the time of a hold, so that one that comes late ends none."""


def live_of(services: Services) -> Live:
    """The one of this process; it survives a reload, as attempts do."""
    live: Live = services.state.setdefault(_STATE, {})
    return live


class Periodic(Lifespan):
    """Does something again and again. A failure is logged once, told in `/ready`, and no reason to stop.

    needed: requests cannot be served while it fails.
    """

    def __init__(self, every: float, log: logging.Logger, *, needed: bool = True) -> None:
        self._every = every
        self._needed = needed
        self._log = log
        self._task: asyncio.Task[None] | None = None
        self._failure: str | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            await ended(self._task)
            self._task = None

    def failure(self) -> str | None:
        return self._failure if self._needed else None

    def warning(self) -> str | None:
        return None if self._needed else self._failure

    @abstractmethod
    async def once(self) -> None:
        """Raises where it could not be done."""

    async def _run(self) -> None:
        while True:
            try:
                await self.once()
                self._failure = None
            except Exception as error:  # any store's any failure: whatever is held must end some day
                self._failed(error)
            await asyncio.sleep(self._every if self._failure is None else min(self._every, AGAIN))

    def _failed(self, error: Exception) -> None:
        if self._failure is None:
            self._log.warning("permission-balance: the ledger cannot be written: %r", error.__cause__ or error)
        self._failure = f"permission-balance: the ledger cannot be written: {error or type(error).__name__}"


class Renewal(Periodic):
    """Of the holds of this process."""

    scope = "worker"

    def __init__(self, ledger: Ledger, live: Live, ttl: float, clock: Callable[[], float], log: logging.Logger) -> None:
        super().__init__(ttl / RENEWALS, log)
        self._ledger = ledger
        self._live = live
        self._ttl = ttl
        self._clock = clock

    async def once(self) -> None:
        if self._live:
            self._ledger.renew(tuple(self._live), self._clock() + self._ttl)


class Sweeper(Periodic):
    """Ends what has expired, whoever held it. ttl: of a hold. alone: no other machine holds on this ledger.

    Where the wall clock is set forward it waits until all that runs has been renewed by the new time; where it is set
    back, and no other machine's clock may be the right one, holds end in their time by the new.
    """

    scope = "machine"

    def __init__(
        self,
        ledger: Ledger,
        ttl: float,
        clock: Callable[[], float],
        log: logging.Logger,
        *,
        alone: bool = True,
        needed: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(SWEEP_EVERY, log, needed=needed)
        self._ledger = ledger
        self._ttl = ttl
        self._clock = clock
        self._alone = alone
        self._monotonic = monotonic
        self._apart = clock() - monotonic()
        self._from = 0.0
        self._set_back = False

    async def once(self) -> None:
        now, passed = self._clock(), self._monotonic()
        self._look(now, passed)
        if passed < self._from:
            return
        ended = await self._ledger.expire(now, now + self._ttl if self._set_back else None)
        self._set_back = False
        if ended:
            self._log.warning("permission-balance: %d attempts of a gateway that ended before them were charged", ended)

    def _look(self, now: float, passed: float) -> None:
        """Whether the clock was set since the last time."""
        apart = now - passed
        step, self._apart = apart - self._apart, apart
        if abs(step) > SWEEP_EVERY:
            self._log.warning("permission-balance: the clock was set by %+.0f s", step)
        if step > self._ttl / RENEWALS:
            self._from = passed + self._ttl / RENEWALS + SWEEP_EVERY
        self._set_back = self._set_back or (self._alone and step < -SWEEP_EVERY)
