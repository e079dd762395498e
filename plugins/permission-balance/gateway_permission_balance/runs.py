"""Runs end: whoever calls names them, so that their accounts would only become more."""

from __future__ import annotations

import logging
from collections.abc import Callable

from gateway import Ledger
from gateway.budgets import BUDGET

from .live import Periodic

EVERY = 3600.0
DAY = 86_400.0
RUNS = BUDGET + "run:"


class RunsEnd(Periodic):
    """Closes the accounts of runs that nobody has called in for so many days. clock: epoch seconds."""

    scope = "machine"

    def __init__(self, ledger: Ledger, days: float, clock: Callable[[], float], log: logging.Logger) -> None:
        super().__init__(EVERY, log, needed=False)
        self._ledger = ledger
        self._days = days
        self._clock = clock

    async def once(self) -> None:
        await self._ledger.close_idle(RUNS, self._clock() - self._days * DAY)
