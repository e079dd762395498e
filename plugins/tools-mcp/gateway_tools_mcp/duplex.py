"""A channel on which messages go both ways; answers find their requests by id."""

from __future__ import annotations

import asyncio
import itertools
from abc import abstractmethod

from msgspec import Raw

from .connection import Connection, Headers, Welcome
from .failures import Lost
from .messages import Message, Params, answer_to, modern_meta, notification, read, request, result_of

MOST_BESIDE = 100
"""Requests of the server that may be answered at once; a server that asks faster is not answered."""


class Duplex(Connection):
    def __init__(self) -> None:
        super().__init__()
        self.welcome = Welcome("")
        self._waiting: dict[int | str | None, asyncio.Future[Message]] = {}
        self._idents = itertools.count(1)
        self._beside: set[asyncio.Task[None]] = set()

    async def ask(self, method: str, params: Params, headers: Headers) -> Raw:
        if self.is_modern:
            params = {**params, "_meta": modern_meta()}
        return await self.ask_plainly(method, params)

    async def ask_plainly(self, method: str, params: Params) -> Raw:
        if self.lost is not None:
            raise Lost(self.lost)
        ident = next(self._idents)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[ident] = future
        try:
            await self._put(request(ident, method, params))
            return result_of(await future)
        except asyncio.CancelledError:
            self._later(notification("notifications/cancelled", {"requestId": ident, "reason": "nobody waits for it"}))
            raise
        finally:
            del self._waiting[ident]

    async def tell(self, method: str, params: Params) -> None:
        await self._put(notification(method, params))

    @abstractmethod
    async def _put(self, message: bytes) -> None:
        """Raises Lost."""

    def _came(self, data: bytes) -> None:
        """What is no message is passed over: programs print more than that."""
        try:
            messages = read(data)
        except Lost:
            self._odd(data)
            return
        for message in messages:
            if message.is_answer:
                future = self._waiting.get(message.id)
                if future is not None and not future.done():
                    future.set_result(message)
            elif message.method == "notifications/tools/list_changed":
                self.changed()
            elif message.method is not None and message.id is not None:
                self._later(answer_to(message))

    def _odd(self, data: bytes) -> None:
        """What came is no message."""

    def _end(self, why: str) -> None:
        """Nothing more comes."""
        is_news = self.lost is None
        self.lost = self.lost or why
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(Lost(self.lost))
        for task in self._beside:
            task.cancel()
        if is_news:
            self.ended()

    def _later(self, message: bytes) -> None:
        if self.lost is not None or len(self._beside) >= MOST_BESIDE:
            return
        task = asyncio.create_task(self._quietly(message))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _quietly(self, message: bytes) -> None:
        try:
            await self._put(message)
        except Lost:
            return
