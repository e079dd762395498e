"""Slots: how many are taken by name, each for the time of a lease unless its holder renews it.

An entry counts by the period in which leases end: eight words of period and count. A period that has passed counts no
more, so what a killed process held comes back by itself. A lease lasts from four to five periods.
"""

from __future__ import annotations

from .memory import SLOT_WORDS
from .table import Table

PERIODS = 4
_BITS = 20
_COUNT = (1 << _BITS) - 1
MOST = _COUNT
"""Of one name in one period."""


class Slots:
    """lease: microseconds. Times are the memory's."""

    def __init__(self, table: Table, lease: int) -> None:
        self._table = table
        self._numbers = table.numbers
        self._period = max(1, lease // PERIODS)
        self.find = table.find

    def ends(self, now: int) -> int:
        """The period in which a lease ends that is taken now."""
        return now // self._period + PERIODS + 1

    def taken(self, place: int, now: int) -> int:
        current = now // self._period
        words = self._numbers[place : place + SLOT_WORDS]
        return sum(word & _COUNT for word in words if word >> _BITS > current)

    def is_free(self, now: int, place: int) -> bool:
        return not self.taken(place, now)

    def add(self, place: int, ends: int, count: int = 1) -> None:
        at = place + ends % SLOT_WORDS
        word = self._numbers[at]
        held = word & _COUNT if word >> _BITS == ends else 0
        self._numbers[at] = ends << _BITS | min(MOST, held + count)

    def drop(self, place: int, ends: int, count: int = 1) -> None:
        """Nothing where the period's count is another's by now: then these have expired."""
        at = place + ends % SLOT_WORDS
        word = self._numbers[at]
        if word >> _BITS == ends:
            self._numbers[at] = ends << _BITS | max(0, (word & _COUNT) - count)
