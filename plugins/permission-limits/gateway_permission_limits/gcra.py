"""The arithmetic of limits, in whole microseconds: a window's units as time that is used up.

The generic cell rate algorithm (ITU-T I.371): what is used of a rate is how far its theoretical arrival time lies ahead
of now. A take moves it on by its cost, time drains it, and nothing has to be counted or reset at a window's end.
Everything is rounded against the caller, by less than a microsecond a take.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

SECOND = 1_000_000
Of = Literal["requests", "tokens", "concurrency"]


class Measure(Struct, frozen=True):
    """What a limit has of one kind. limit: units in a window. window: microseconds. at_once: units.

    most: what may be used at a time, in microseconds; of concurrency, in slots.
    """

    of: Of
    limit: int
    window: int
    at_once: int
    most: int

    @property
    def held(self) -> bool:
        return self.of == "concurrency"

    def cost(self, units: int) -> int:
        return -(-units * self.window // self.limit)

    def left(self, used: int) -> int:
        """Units that can still be taken now."""
        free = max(0, self.most - used)
        return free // self.cost(1) if self.of == "requests" else min(self.at_once, free * self.limit // self.window)

    def wait(self, used: int, cost: int) -> float:
        """Seconds until so much can be taken, if nobody else takes."""
        return max(0, used + cost - self.most) / SECOND


def rate(of: Of, limit: int, window: float, burst: float = 1.0) -> Measure:
    """window: seconds. burst: the part of the limit that may be used at once; at least one unit is."""
    span = max(1, round(window * SECOND))
    at_once = max(1, int(limit * burst))
    unit = Measure(of, limit, span, at_once, 0)
    most = at_once * unit.cost(1) if of == "requests" else unit.cost(at_once)
    return Measure(of, limit, span, at_once, most)


def slots(limit: int) -> Measure:
    return Measure("concurrency", limit, limit, limit, limit)
