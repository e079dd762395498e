"""Locks of the shared table. They are held for microseconds, and never waited for in a way that holds up a worker."""

from __future__ import annotations

import asyncio
import fcntl
import time

from gateway import Unavailable

TURNS = 50
"""Tries with nothing but other tasks between them, before the clock is looked at."""
PATIENCE = 1.0
PAUSE = 0.001


class NoLock:
    """For memory that one process has to itself."""

    def grab(self) -> bool:
        return True

    def give(self) -> None:
        return

    async def take(self) -> None:
        return


class FileLock(NoLock):
    """flock(2): the kernel gives it back when its holder ends, however it ends."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def grab(self) -> bool:
        """Without waiting."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def give(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    async def take(self) -> None:
        """Raises Unavailable where a process keeps it: one that was stopped, but not ended, while it had it."""
        for _ in range(TURNS):
            if self.grab():
                return
            await asyncio.sleep(0)
        until = time.monotonic() + PATIENCE
        while not self.grab():
            if time.monotonic() > until:
                raise Unavailable("The limits cannot be checked: a process of the gateway stands still.", retry_after=1)
            await asyncio.sleep(PAUSE)
