"""SlicedCounters: takes a slice of a rate at a time, so that most requests need no answer from Redis.

What a process may use without asking is never more than one slice of a rate; so all together exceed a rate by one
slice for each process at most. Slots are asked for one by one: of them there is never one too many.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from gateway import CountersDown, Taken, Want

from .link import Link
from .settings import RedisSettings
from .slices import Slices
from .strict import SECOND, RedisCounters, RedisGrant


def _monotonic() -> int:
    return time.monotonic_ns() // 1000


class SlicedCounters(RedisCounters):
    pause = 0.02

    def __init__(self, link: Link, settings: RedisSettings) -> None:
        super().__init__(link, settings)
        self._hold = settings.hold
        self.slices = Slices(settings.slice, round(settings.hold * SECOND), _monotonic)

    async def open(self) -> None:
        await super().open()
        self._tasks.append(asyncio.create_task(self._give_back()))

    async def close(self) -> None:
        for want, left in self.slices.over(everything=True):
            self.change(want, -left)
        await super().close()

    async def take(self, wants: Sequence[Want]) -> Taken:
        used = [None if want.held else self.slices.spend(want) for want in wants]
        short = [number for number, known in enumerate(used) if known is None]
        if not short:
            return Taken(RedisGrant(self, "", wants), [known or 0 for known in used])
        spent = [want for want, known in zip(wants, used, strict=True) if known is not None]
        try:
            found, given, holder = await self._ask([wants[n] for n in short], [self._wish(wants[n]) for n in short])
        except BaseException:
            self._put_back(spent)
            raise
        if holder is None:
            self._put_back(spent)
            used = [0 if want.held else self.slices.used(want) for want in wants]
        for number, now_used, got in zip(short, found, given, strict=True):
            used[number] = now_used
            if holder is not None and not wants[number].held:
                self._keep_rest(wants[number], got, now_used)
                used[number] = self.slices.used(wants[number])
        return Taken(None if holder is None else RedisGrant(self, holder, wants), [known or 0 for known in used])

    def _wish(self, want: Want) -> int:
        return want.cost if want.held else self.slices.wish(want)

    def _keep_rest(self, want: Want, given: int, used: int) -> None:
        too_much = self.slices.add(want, given, used)
        if too_much:
            self.change(want, -too_much)

    def _put_back(self, spent: Sequence[Want]) -> None:
        for want in spent:
            too_much = self.slices.back(want)
            if too_much:
                self.change(want, -too_much)

    async def _give_back(self) -> None:
        while True:
            await asyncio.sleep(self._hold / 2)
            for want, left in self.slices.over():
                self.change(want, -left)
            with contextlib.suppress(CountersDown):
                await self.flush()
