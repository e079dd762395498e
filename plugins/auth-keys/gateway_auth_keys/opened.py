"""What the commands share: the store, opened for one piece of work, and options."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from gateway import GatewayError, Store
from gateway.cli.output import fail

if TYPE_CHECKING:
    from gateway.cli.context import Context

T = TypeVar("T")
as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")
yes = click.option("--yes", is_flag=True, help="Without asking.")


def with_store(context: Context, work: Callable[[Store], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with context.store() as store:
            return await work(store)

    try:
        return context.run(opened())
    except GatewayError as error:
        fail(error.public)
