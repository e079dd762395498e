"""Policy: what a route does about failures; Budget: how many retries a process may make."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from ..settings.routes import Backoff
from .breaker import Breaker
from .faults import SAME_AGAIN, Fault


class Policy(msgspec.Struct, frozen=True):
    """on: faults after which another try is made. retries: further tries of one target. patience: seconds that a
    `retry-after` is waited for. timeout: seconds until something answers.

    weights, breakers: by target, in the route's order; without weights that order counts.
    """

    on: frozenset[Fault]
    retries: int = 0
    backoff: Backoff = Backoff()
    patience: float = 2.0
    timeout: float | None = None
    weights: tuple[float, ...] = ()
    breakers: tuple[Breaker, ...] = ()

    def wait(self, fault: Fault, tries: int, retry_after: float | None, draw: Callable[[], float]) -> float | None:
        """Seconds until the same target is tried again; None where it is not. tries: made so far.

        All of the backoff is drawn by lot and comes on top of what the upstream asked for, so that the many that it
        refuses do not come back together.
        """
        asked = retry_after or 0.0
        if tries > self.retries or fault in SAME_AGAIN or asked > self.patience:
            return None
        return asked + draw() * min(self.backoff.most, self.backoff.first * 2.0 ** (tries - 1))


class Budget:
    """share: retries for each call; burst: how many may be saved up. Without a clock: calls themselves fill it."""

    def __init__(self, share: float, burst: int) -> None:
        self._share = share
        self._burst = float(burst)
        self._left = float(burst)

    def called(self) -> None:
        self._left = min(self._burst, self._left + self._share)

    def take(self) -> bool:
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


@dataclass(frozen=True, slots=True)
class Timing:
    """Where time and chance come from. now: monotonic seconds. draw: from 0 to 1."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    draw: Callable[[], float] = random.random
