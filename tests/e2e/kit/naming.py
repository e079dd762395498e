"""A test of many cases says with which of them it failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def about(what: object) -> Iterator[None]:
    """What fails within is noted to be with this."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"with {what!r}")
        raise
