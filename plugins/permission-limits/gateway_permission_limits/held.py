"""Held: the slots that this process holds, by name and by the period in which their leases end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Held:
    def __init__(self) -> None:
        self._counts: dict[bytes, dict[int, int]] = {}

    def add(self, counter: bytes, ends: int) -> None:
        periods = self._counts.setdefault(counter, {})
        periods[ends] = periods.get(ends, 0) + 1

    def drop(self, counter: bytes) -> int:
        """One of them; which one does not matter, since all are renewed together. The period that it was counted in."""
        periods = self._counts[counter]
        ends = next(iter(periods))
        periods[ends] -= 1
        if not periods[ends]:
            del periods[ends]
        if not periods:
            del self._counts[counter]
        return ends

    def names(self) -> Sequence[bytes]:
        return list(self._counts)

    def move(self, counter: bytes, ends: int) -> Mapping[int, int]:
        """Counts all of a name in this period from now on; how they were counted until now, empty where none is."""
        periods = self._counts.get(counter)
        if periods is None:
            return {}
        self._counts[counter] = {ends: sum(periods.values())}
        return periods
