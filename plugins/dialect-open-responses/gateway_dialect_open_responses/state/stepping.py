"""KeptSteps: what a run has come to, kept beside the frames of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway import UNDER_WAY, Conflict, Going, RunStep, Steps

from .journal import Journal


class KeptSteps(Steps):
    """before: those of earlier processes. resumable: whether another process could go on from the last one. going:
    what runs it here.
    """

    def __init__(self, journal: Journal, patience: float, before: Sequence[bytes] = ()) -> None:
        self._journal = journal
        self._count = len(before)
        self._turn = asyncio.Lock()
        self.resumable = bool(before)
        self.going: Going | None = None
        self.before = before
        self.patience = patience

    @property
    def leaving(self) -> bool:
        cut = self.going is not None and self.going.is_cut
        return self._journal.is_taken or (cut and self.resumable)

    async def write(self, step: bytes, *, safe: bool = True) -> None:
        async with self._turn:
            await self._write(RunStep(self._count, step, safe))

    def live(self) -> None:
        self._journal.live()

    async def _write(self, step: RunStep) -> None:
        status = await self._journal.step(step)
        if status not in UNDER_WAY:
            raise Conflict("This response was cancelled, or deleted.", code="ended")
        self._count += 1
        self.resumable = step.safe
