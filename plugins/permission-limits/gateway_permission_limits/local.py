"""LocalCounters: limits counted in the memory that the workers of this machine share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gateway import Counters, Grant, Taken, Unavailable, Want

from .held import Held
from .memory import Clock, Memory, Shape, private, shared
from .slots import Slots

AT_A_TIME = 128
GRABS = 20
"""Tries to have the lock when something is given back; what fails is done with the next take or renewal."""


class LocalGrant(Grant):
    """What was taken here."""

    __slots__ = ("_counters", "_wants")

    def __init__(self, counters: LocalCounters, wants: Sequence[Want]) -> None:
        self._counters = counters
        self._wants = wants

    def settle(self, costs: Sequence[int]) -> None:
        self._counters.give(self._wants, costs)


class LocalCounters(Counters):
    """directory: where the shared file is; None for memory of this process alone. boot: which run of the machine it is.

    Takes are exact, whatever the number of processes: none too many.
    """

    name = "permission-limits"

    def __init__(
        self,
        directory: Path | None,
        shape: Shape,
        boot: int,
        log: logging.Logger,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self._directory = directory
        self._shape = shape
        self._boot = boot
        self._log = log
        self._held = Held()
        self._later: list[tuple[Sequence[Want], Sequence[int]]] = []
        self._is_full = False
        self.memory: Memory

    async def open(self) -> None:
        if self._directory is None:
            self.memory = private(self._shape, self._clock)
        else:
            self.memory = shared(self._directory, self._shape, self._clock, self._boot)
        self._lock = self.memory.lock
        self._rates = self.memory.rates
        self._numbers = self.memory.numbers
        self._slots = Slots(self.memory.slots, self._shape.lease)

    async def close(self) -> None:
        if self._lock.grab():
            self._catch_up()
            self.memory.tick()
            self._lock.give()
        del self._rates, self._numbers, self._slots
        self.memory.close()

    def failure(self) -> str | None:
        if not self._is_full:
            return None
        return "permission-limits: more callers than gateway.permission-limits.callers; new ones are refused"

    async def take(self, wants: Sequence[Want]) -> Taken:
        """Raises Unavailable where the table is full, or locked by a process that stands still."""
        if not self._lock.grab():
            await self._lock.take()
        try:
            if self._later:
                self._catch_up()
            return self._take(wants, self.memory.now())
        finally:
            self._lock.give()

    def give(self, wants: Sequence[Want], costs: Sequence[int]) -> None:
        for _ in range(GRABS):
            if self._lock.grab():
                try:
                    self._give(wants, costs)
                finally:
                    self._lock.give()
                return
        self._later.append((wants, costs))

    async def renew(self) -> None:
        """All that this process holds, for another lease; a few at a time. Raises Unavailable."""
        names = self._held.names()
        for start in range(0, max(1, len(names)), AT_A_TIME):
            await self._lock.take()
            try:
                self._catch_up()
                self.memory.tick()
                for counter in names[start : start + AT_A_TIME]:
                    self._renew(counter, self.memory.now())
            finally:
                self._lock.give()
            await asyncio.sleep(0)

    def _renew(self, counter: bytes, now: int) -> None:
        """Also what had expired, while this process stood still: it runs, and so it counts."""
        ends = self._slots.ends(now)
        place = self._slots.find(counter)
        if place < 0:
            place = self.memory.slots.claim(counter, partial(self._slots.is_free, now), ())
        held = self._held.move(counter, ends)
        if place >= 0 and held:
            for period, count in held.items():
                self._slots.drop(place, period, count)
            self._slots.add(place, ends, sum(held.values()))

    def _take(self, wants: Sequence[Want], now: int) -> Taken:
        places: list[int] = []
        used: list[int] = []
        fits = True
        for want in wants:
            place = self._slot(want.counter, now, places) if want.held else self._rate(want.counter, now, places)
            taken = self._slots.taken(place, now) if want.held else max(0, self._numbers[place] - now)
            fits = fits and taken + want.cost <= want.most
            places.append(place)
            used.append(taken)
        if not fits:
            return Taken(None, used)
        for number, want in enumerate(wants):
            used[number] += want.cost
            if want.held:
                ends = self._slots.ends(now)
                self._slots.add(places[number], ends)
                self._held.add(want.counter, ends)
            else:
                self._numbers[places[number]] = now + used[number]
        return Taken(LocalGrant(self, wants), used)

    def _give(self, wants: Sequence[Want], costs: Sequence[int]) -> None:
        now = self.memory.now()
        for want, cost in zip(wants, costs, strict=True):
            if want.held:
                place = self._slots.find(want.counter)
                ends = self._held.drop(want.counter)
                if place >= 0:
                    self._slots.drop(place, ends)
            elif cost != want.cost:
                self._correct(want.counter, cost - want.cost, now)

    def _correct(self, counter: bytes, change: int, now: int) -> None:
        place = self._rates.find(counter)
        if place < 0 and change > 0:
            place = self._rates.claim(counter, partial(self._is_drained, now), ())
        if place >= 0:
            self._numbers[place] = max(now, self._numbers[place]) + change

    def _catch_up(self) -> None:
        """What could not be given back when it was due. Under the lock."""
        later, self._later = self._later, []
        for wants, costs in later:
            self._give(wants, costs)

    def _rate(self, counter: bytes, now: int, taken: Sequence[int]) -> int:
        place = self._rates.find(counter)
        if place >= 0:
            return place
        return self._claimed(self._rates.claim(counter, partial(self._is_drained, now), taken))

    def _is_drained(self, now: int, place: int) -> bool:
        return self._numbers[place] <= now

    def _slot(self, counter: bytes, now: int, taken: Sequence[int]) -> int:
        place = self._slots.find(counter)
        if place >= 0:
            return place
        return self._claimed(self.memory.slots.claim(counter, partial(self._slots.is_free, now), taken))

    def _claimed(self, place: int) -> int:
        if place < 0:
            if not self._is_full:
                self._log.error("%s", "the table of limits is full: raise gateway.permission-limits.callers")
            self._is_full = True
            raise Unavailable("Too many callers are limited at a time; try again later.", retry_after=5)
        self._is_full = False
        return place
