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


def _bounded(limit: int) -> int:
    return max(1, min(limit, LARGEST))
