"""Turns: messages of one connection, one after the other within a lane, lanes side by side.

A message that names no lane is in one of its own, so that clients who know of none have one reply at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from ..errors import BadCall
from ..pipeline.sink import ClientGone
from ..tasks import ended

AT_ONCE, NAMED = 16, 32
"""Turns of a connection that run at a time, and names of lanes that it may use, as OpenAI has them."""


class Turns:
    """answer: a message, in its lane."""

    def __init__(self, answer: Callable[[bytes, str], Awaitable[None]]) -> None:
        self._answer = answer
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._last: dict[str, asyncio.Task[None]] = {}
        self._names: set[str] = set()
        self._open: set[asyncio.Task[None]] = set()
        self.waiting = 0
        self.bytes = 0

    def take(self, message: bytes, lane: str) -> None:
        """Raises BadCall where there are too many lanes."""
        if lane and lane not in self._names:
            if len(self._names) >= NAMED:
                raise BadCall(
                    f"A connection takes {NAMED} different names of streams; use one of them again, or open another.",
                    param="stream_id",
                    code="websocket_stream_limit_reached",
                )
            self._names.add(lane)
        self.waiting += 1
        self.bytes += len(message)
        task = self._last[lane] = asyncio.create_task(self._run(message, lane, self._last.get(lane)))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def ended(self) -> None:
        """Once none runs or waits."""
        while self._open:
            await asyncio.wait(self._open)

    async def cut(self) -> None:
        """The client is gone."""
        for task in tuple(self._open):
            task.cancel()
        for task in tuple(self._open):
            await ended(task)

    async def _run(self, message: bytes, lane: str, before: asyncio.Task[None] | None) -> None:
        try:
            if before is not None:
                await asyncio.wait([before])
            async with self._slots:
                self._begun(message)
                with contextlib.suppress(ClientGone):
                    await self._answer(message, lane)
        finally:
            if self._last.get(lane) is asyncio.current_task():
                del self._last[lane]

    def _begun(self, message: bytes) -> None:
        self.waiting -= 1
        self.bytes -= len(message)
