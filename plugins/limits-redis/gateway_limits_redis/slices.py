"""Slices: what a process has taken of rates ahead of its requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from gateway import Want


class Slice(Struct):
    """Microseconds. left: not used yet. size: at most left. until: when it is given back, by the clock.

    used: of the whole rate, as Redis had it, this slice included. seen: when that was.
    """

    want: Want
    size: int
    left: int = 0
    until: int = 0
    used: int = 0
    seen: int = 0


class Slices:
    """share: of what may be used at once. hold: microseconds. now: monotonic microseconds."""

    def __init__(self, share: float, hold: int, now: Callable[[], int]) -> None:
        self._share = share
        self._hold = hold
        self._now = now
        self._slices: dict[bytes, Slice] = {}

    def spend(self, want: Want) -> int | None:
        """Takes the cost out of the slice: what is used of the rate now; None where there is not enough."""
        found, now = self._slices.get(want.counter), self._now()
        if found is None or found.left < want.cost or found.until < now:
            return None
        found.left -= want.cost
        return self._used(found, now)

    def wish(self, want: Want) -> int:
        """What to ask for where the slice has not enough: another one, or the cost where that is more."""
        return max(want.cost, self._size(want))

    def add(self, want: Want, given: int, used: int) -> int:
        """Keeps what was given beyond the cost, up to one slice. What is too much, to be given back."""
        now = self._now()
        found = self._slices.setdefault(want.counter, Slice(want, 0))
        found.want, found.size = want, self._size(want)
        found.used, found.seen, found.until = used, now, now + self._hold
        return self._put(found, given - want.cost)

    def back(self, want: Want) -> int:
        """What was spent and is not used after all. What is too much, to be given back."""
        found = self._slices.get(want.counter)
        return want.cost if found is None else self._put(found, want.cost)

    def over(self, everything: bool = False) -> Iterator[tuple[Want, int]]:
        """Those that are to be given back, with what is left of them; they are here no more."""
        now = self._now()
        for counter, found in list(self._slices.items()):
            if everything or found.until < now:
                del self._slices[counter]
                if found.left:
                    yield found.want, found.left

    def used(self, want: Want) -> int:
        """What is used of the rate now, as far as is known here."""
        found = self._slices.get(want.counter)
        return 0 if found is None else self._used(found, self._now())

    def _size(self, want: Want) -> int:
        return int(want.most * self._share)

    def _put(self, found: Slice, more: int) -> int:
        kept = max(0, min(more, found.size - found.left))
        found.left += kept
        return more - kept

    def _used(self, found: Slice, now: int) -> int:
        return max(0, found.used - (now - found.seen) - found.left)
