"""What a command does with the store: it is opened for one piece of work, and what goes wrong ends the command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from ..errors import GatewayError
from ..store import Store
from .output import fail

if TYPE_CHECKING:
    from .context import Context

T = TypeVar("T")


def with_store(context: Context, work: Callable[[Store], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with context.store() as store:
            return await work(store)

    try:
        return context.run(opened())
    except GatewayError as error:
        fail(error.public)
