"""What cannot be written is told to the operator: at once, then once a period, never in silence."""

from __future__ import annotations

import logging
import time

PERIOD = 60.0


class Complaints:
    """Losses add up between two lines and at the end, so that none is left out. Any thread may complain."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._lost = 0
        self._why = ""
        self._next = {"kept": 0.0, "lost": 0.0}

    def kept(self, waiting: int, why: str) -> None:
        if self._due("kept"):
            self._log.error("Store: %s. %d writes (usage records, last uses) are kept and tried again.", why, waiting)

    def lost(self, count: int, why: str) -> None:
        self._lost += count
        self._why = why
        if self._due("lost"):
            self.close()

    def close(self) -> None:
        """Says what has not been said yet."""
        if self._lost:
            self._log.error("Store: %d writes (usage records, last uses) are LOST: %s.", self._lost, self._why)
            self._lost = 0

    def _due(self, kind: str) -> bool:
        now = time.monotonic()
        if now < self._next[kind]:
            return False
        self._next[kind] = now + PERIOD
        return True
