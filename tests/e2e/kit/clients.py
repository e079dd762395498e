"""SDK clients of a test file, closed at its end: garbage that is still connected warns in whatever test runs then."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

T = TypeVar("T")
CLIENTS = ExitStack()


def opened(client: AbstractContextManager[T]) -> T:
    return CLIENTS.enter_context(client)
