"""What programs say on their standard error, to the log, and no more of it than a log can take."""

from __future__ import annotations

import logging
from collections.abc import Callable

MOST = 50
"""Lines in a window."""
WINDOW = 10.0


class Lines:
    def __init__(self, name: str, log: logging.Logger, clock: Callable[[], float]) -> None:
        self._name, self._log, self._clock = name, log, clock
        self._since = clock()
        self._count = 0

    def __call__(self, line: str) -> None:
        if self._clock() - self._since >= WINDOW:
            if self._count > MOST:
                self._log.info("mcp: %s says: … and %d lines more", self._name, self._count - MOST)
            self._since, self._count = self._clock(), 0
        self._count += 1
        if self._count <= MOST and line:
            self._log.info("mcp: %s says: %s", self._name, line)
