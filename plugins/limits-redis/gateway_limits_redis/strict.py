"""RedisCounters: each take is one script that Redis runs, so no limit is exceeded, whoever asks from wherever."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections.abc import Sequence

from gateway import Counters, CountersDown, Grant, Taken, Want, ended

from . import scripts
from .link import Link, Script
from .settings import RedisSettings

AT_A_TIME = 500
SECOND = 1_000_000
log = logging.getLogger("gateway.limits-redis")


class RedisGrant(Grant):
    __slots__ = ("_counters", "_holder", "_wants")

    def __init__(self, counters: RedisCounters, holder: str, wants: Sequence[Want]) -> None:
        self._counters = counters
        self._holder = holder
        self._wants = wants

    def settle(self, costs: Sequence[int]) -> None:
        self._counters.give(self._holder, self._wants, costs)


class RedisCounters(Counters):
    """What is given back is sent soon after, and only once: what Redis does not take then stays as it was taken, rates
    until they have drained and slots until their lease ends.
    """

    name = "limits-redis"
    pause = 0.0
    """Seconds for which what is given back is gathered."""

    def __init__(self, link: Link, settings: RedisSettings) -> None:
        self._link = link
        self._lease = round(settings.lease * SECOND)
        prefix = settings.prefix.encode()
        self._rate, self._slot = prefix + b":rate:", prefix + b":slots:"
        self._process = secrets.token_hex(8)
        self._numbers = itertools.count()
        self._held: dict[str, Sequence[bytes]] = {}
        self._changes: dict[bytes, int] = {}
        self._released: list[tuple[bytes, str]] = []
        self._due = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._take, self._change = Script(scripts.TAKE), Script(scripts.CHANGE)
        self._renew, self._release = Script(scripts.RENEW), Script(scripts.RELEASE)

    async def open(self) -> None:
        await self._link.open()
        self._tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._keep())]

    async def close(self) -> None:
        for task in self._tasks:
            await ended(task)
        self._tasks = []
        with contextlib.suppress(CountersDown):
            await self.flush()
        await self._link.close()

    def failure(self) -> str | None:
        return self._link.failure

    async def take(self, wants: Sequence[Want]) -> Taken:
        used, _, holder = await self._ask(wants, [want.cost for want in wants])
        return Taken(None if holder is None else RedisGrant(self, holder, wants), used)

    def give(self, holder: str, wants: Sequence[Want], costs: Sequence[int]) -> None:
        for want, cost in zip(wants, costs, strict=True):
            if not want.held and cost != want.cost:
                self.change(want, cost - want.cost)
        for key in self._held.pop(holder, ()):
            self._released.append((key, holder))
            self._due.set()

    def change(self, want: Want, by: int) -> None:
        key = self._rate + want.counter.hex().encode()
        self._changes[key] = self._changes.get(key, 0) + by
        self._due.set()

    async def flush(self) -> None:
        """All that is to be sent. Raises CountersDown where it was not taken."""
        changes, self._changes = list(self._changes.items()), {}
        released, self._released = self._released, []
        for start in range(0, len(released), AT_A_TIME):
            some = released[start : start + AT_A_TIME]
            await self._link.run(self._release, [key for key, _ in some], [holder for _, holder in some])
        for start in range(0, len(changes), AT_A_TIME):
            part = changes[start : start + AT_A_TIME]
            await self._link.run(self._change, [key for key, _ in part], [by for _, by in part])

    async def renew(self) -> None:
        """All that this process holds, for another lease. Raises CountersDown."""
        held = [(key, holder) for holder, keys in self._held.items() for key in keys]
        for start in range(0, len(held), AT_A_TIME):
            some = [(key, holder) for key, holder in held[start : start + AT_A_TIME] if holder in self._held]
            arguments = [self._lease, *(holder for _, holder in some)]
            await self._link.run(self._renew, [key for key, _ in some], arguments)

    async def _ask(
        self, wants: Sequence[Want], wishes: Sequence[int]
    ) -> tuple[Sequence[int], Sequence[int], str | None]:
        """What is used and what was given of each, and who holds it; None where nothing was given."""
        holder = f"{self._process}:{next(self._numbers)}"
        keys = [(self._slot if want.held else self._rate) + want.counter.hex().encode() for want in wants]
        arguments: list[int | str] = [self._lease, holder]
        for want, wish in zip(wants, wishes, strict=True):
            arguments += (want.cost, wish, want.most, int(want.held))
        fits, *rest = await self._link.run(self._take, keys, arguments)
        if not fits:
            return rest[::2], rest[1::2], None
        slots = [key for key, want in zip(keys, wants, strict=True) if want.held]
        if slots:
            self._held[holder] = slots
        return rest[::2], rest[1::2], holder

    async def _write(self) -> None:
        while True:
            await self._due.wait()
            await asyncio.sleep(self.pause)
            self._due.clear()
            with contextlib.suppress(CountersDown):
                await self.flush()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._lease / SECOND / 4)
            with contextlib.suppress(CountersDown):
                await self.renew()
