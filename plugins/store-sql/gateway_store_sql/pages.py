"""Pages: one row more than asked for tells whether there is another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from gateway import Page

T = TypeVar("T")
LARGEST = 1000


def most(limit: int) -> int:
    """Rows to ask for."""
    return _bounded(limit) + 1


def page(found: Sequence[T], limit: int, place: Callable[[T], str]) -> Page[T]:
    """place: what it is ordered by."""
    kept = found[: _bounded(limit)]
    return Page(kept, place(kept[-1]) if len(found) > len(kept) else None)


def newest(at: float, identity: str) -> str:
    """The place of a row in what is ordered by time and id, newest first: exact, to the last bit of the time."""
    return f"{at!r} {identity}"


def newest_of(place: str) -> tuple[float, str] | None:
    """None for what is none."""
    at, _, identity = place.partition(" ")
    try:
        return float(at), identity
    except ValueError:
        return None


def _bounded(limit: int) -> int:
    return max(1, min(limit, LARGEST))
