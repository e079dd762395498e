"""Heartbeat: tells the store which runs of this process are alive."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway import GatewayError, Lifespan, Store, ended

from .journal import Book


class Heartbeat(Lifespan):
    scope = "worker"

    def __init__(self, book: Book) -> None:
        self._book = book
        self._task: asyncio.Task[None] | None = None
        self._missing: str | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        if self._task is not None:
            await ended(self._task)
            self._task = None

    def warning(self) -> str | None:
        return self._missing

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._book.lease / 3)
            try:
                await self._book.renew()
                self._missing = None
            except GatewayError as error:
                self._missing = f"agents' runs cannot be told to be alive: {error.public}"


def heartbeat(store: Store | None, book: Book) -> Sequence[Lifespan]:
    """Where the store keeps runs; in memory they end with the process."""
    return (Heartbeat(book),) if store is not None and store.runs is not None else ()
