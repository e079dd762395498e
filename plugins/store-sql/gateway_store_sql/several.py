"""Statements of several rows: for SQLite each run of one is a hand-over of the interpreter's lock, for PostgreSQL a
round trip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

from .database import Transaction, Value, Values

T = TypeVar("T")
SIZES = (64, 32, 16, 8)
"""Of statements, besides all smaller ones: few enough to stay prepared, and few for any number of rows."""


async def insert(transaction: Transaction, head: str, given: Sequence[Values], tail: str = "") -> None:
    """head: up to `VALUES`; given: the rows, of one width; tail: what follows them."""
    for piece in _pieces(given):
        values = [value for row in piece for value in row]
        await transaction.rows(_inserting(head, len(piece[0]), len(piece), tail), values)


async def among(
    transaction: Transaction, head: str, keys: Sequence[str], before: Values = (), tail: str = ""
) -> list[Sequence[Any]]:
    """head: up to `IN`; before: the values of its own; tail: what follows the keys. The rows of all keys."""
    found: list[Sequence[Any]] = []
    for piece in _pieces(keys):
        values: list[Value] = [*before, *piece]
        found += await transaction.rows(naming(head, len(piece), len(before), tail), values)
    return found


def _pieces(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    start, left = 0, len(whole)
    while left:
        size = next((size for size in SIZES if size <= left), left)
        yield whole[start : start + size]
        start, left = start + size, left - size


@cache
def _inserting(head: str, width: int, count: int, tail: str) -> str:
    rows = (_numbered(width, number * width) for number in range(count))
    return f"{head} {', '.join(rows)} {tail}"


@cache
def naming(head: str, keys: int, before: int = 0, tail: str = "") -> str:
    """The statement that `among` makes of so many keys."""
    return f"{head} {_numbered(keys, before)} {tail}"


def _numbered(count: int, before: int) -> str:
    return f"({', '.join(f'?{number}' for number in range(before + 1, before + count + 1))})"
