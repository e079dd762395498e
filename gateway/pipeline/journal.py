"""FrameWriter: a run's numbered frames on their way to the store; `followed`: what whoever follows reads of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from ..errors import Conflict, GatewayError
from ..streams import UNDER_WAY, Frames, Owner, RunStatus

FULL = 2**20
"""Bytes that may wait to be written before whoever runs it should wait."""
TICK = 0.1
"""Seconds between two writes of what waits, two looks at whether it was ended elsewhere, two at what was written."""
QUIET = 15.0
"""Seconds without a frame after which a follower has something to say."""


Write = Callable[[Sequence[tuple[int, bytes]]], Awaitable[RunStatus | None]]


class FrameWriter:
    """Of one run. name: its id. now: epoch seconds. write: in place of `frames.write`."""

    def __init__(
        self,
        frames: Frames,
        name: str,
        now: Callable[[], float],
        log: logging.Logger,
        write: Write | None = None,
    ) -> None:
        self._frames = frames
        self._write = write or self._written
        self._name = name
        self._now = now
        self._log = log
        self._waiting: list[tuple[int, bytes]] = []
        self._size = 0
        self._turn = asyncio.Lock()
        self._is_away = False

    @property
    def waits(self) -> bool:
        return bool(self._waiting)

    @property
    def full(self) -> bool:
        return self._size >= FULL

    def add(self, number: int, frame: bytes) -> None:
        self._waiting.append((number, frame))
        self._size += len(frame)

    def drop(self) -> None:
        """What waits is never written."""
        self._waiting, self._size = [], 0

    async def flush(self, write: Write | None = None) -> RunStatus | None:
        """Writes what waits, and that the run goes on. Its status. Raises Unavailable, and keeps it waiting."""
        async with self._turn:
            frames, size = self._waiting, self._size
            self.drop()
            try:
                return await (write or self._write)(frames)
            except GatewayError:
                self._waiting = frames + self._waiting
                self._size += size
                raise

    async def keep_up(self, over: asyncio.Event, beat: float) -> bool:
        """What waits goes to the store as it comes; without any, every `beat` seconds that the run goes on. True once
        it is over; False as soon as the store has it as under way no more, or as another's, so that it has to end.
        """
        loop = asyncio.get_running_loop()
        said = loop.time() - beat
        while not over.is_set():
            try:
                if self.waits or loop.time() - said >= beat:
                    status = await self.flush()
                    said = loop.time()
                else:
                    status = await self._frames.status(self._name)
                self._is_away = False
                if status not in UNDER_WAY:
                    return False
            except Conflict:
                return False
            except GatewayError as error:
                self._complain(error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await over.wait()
        return True

    async def _written(self, frames: Sequence[tuple[int, bytes]]) -> RunStatus | None:
        return await self._frames.write(self._name, frames, self._now())

    def _complain(self, error: GatewayError) -> None:
        """Once, until it goes well again."""
        if not self._is_away:
            self._log.warning("what %s says cannot be written now: %s", self._name, error.public)
        self._is_away = True


async def followed(
    frames: Frames, owner: Owner, name: str, after: int, now: Callable[[], float], quiet: float = QUIET
) -> AsyncGenerator[tuple[int, bytes], None]:
    """The frames with numbers above `after` as they are written, by whichever worker, to the last; and an empty one
    after every `quiet` seconds without. Raises Unavailable.
    """
    last, silent = after, 0.0
    while True:
        status = await frames.status(name)  # before its frames: after the end there are no more
        while found := await frames.frames(owner, name, last, now()):
            for number, frame in found:
                yield number, frame
            last, silent = found[-1][0], 0.0
        if status not in UNDER_WAY:
            return
        await asyncio.sleep(TICK)
        silent += TICK
        if silent >= quiet:
            yield last, b""
            silent = 0.0
