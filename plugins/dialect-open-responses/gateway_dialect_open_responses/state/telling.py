"""KeepingSink: a reply on its way to its client, as the client is to be told, and kept when its end is told.

What comes are whole events, or one body. Only events that hold the response as a whole are looked into: the first two
of a stream, and its last.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from msgspec import Raw

from gateway import Extra, Sink, sse
from gateway.wire.jsontext import encode, members, raw

KEY = b'"response"'
STATUSES = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
}
"""By the event that ends a stream."""
GOOD = ("completed", "incomplete")
Keep = Callable[[bytes, str], bool]
"""Keeps a finished reply of this status, without waiting for the store; whether it is there from now on."""
KeepFirst = Callable[[bytes, str], Awaitable[bool]]
"""The same, once it is there for everybody."""
UNKEPT: Extra = {"store": Raw(b"false")}


class _Event(msgspec.Struct):
    type: str = ""
    response: Raw = Raw(b"")


_EVENT = msgspec.json.Decoder(_Event)


class _Status(msgspec.Struct):
    status: str = ""


_STATUS = msgspec.json.Decoder(_Status)


class Retold:
    """Pieces of a stream with some members of the response set. final, status: of the last event, once it has come;
    reply: the response in it.

    held: that event and what follows it.
    """

    def __init__(self, told: Extra) -> None:
        self._told = told
        self.final: Extra | None = None
        self.status = ""
        self.reply = b""
        self.held = b""
        self._whole = self._end = self._name = b""

    def take(self, data: bytes) -> bytes:
        """What may go out at once."""
        if self.final is not None:
            self.held += data
            return b""
        if KEY not in data:
            return data
        return b"".join([self._event(event) for event in sse.events(data)])

    def ending(self, more: Extra) -> bytes:
        """The last event, with these members of the response set, and what follows it."""
        if self.final is None or not (self._told or more):
            return self._whole + self.held
        response = raw(self.final | more) if more else Raw(self.reply)
        event = members(self._end) | {"response": response}
        return sse.frame(encode(event), self._name) + self.held

    def _event(self, event: bytes) -> bytes:
        if self.final is not None:
            self.held += event
            return b""
        if KEY not in event:
            return event
        payload = sse.data(event)
        try:
            found = _EVENT.decode(payload)
        except msgspec.MsgspecError:
            return event
        if not found.response:
            return event
        if found.type in STATUSES:
            self.final, self.status = members(found.response) | self._told, STATUSES[found.type]
            self.reply = encode(self.final) if self._told else bytes(found.response)
            self._whole, self._end, self._name = event, payload, sse.named(event)
            return b""
        if not self._told:
            return event
        response = raw(members(found.response) | self._told)
        return sse.frame(encode(members(payload) | {"response": response}), sse.named(event))


class ToldSink(Sink, ABC):
    """told: members of the response as the client is to read them. unkept: the same, where it is not kept after all."""

    def __init__(self, sink: Sink, told: Extra, unkept: Extra = UNKEPT) -> None:
        self._sink = sink
        self._told = told
        self._unkept = unkept
        self._stream = Retold(told)

    @property
    def began(self) -> bool:  # type: ignore[override]
        return self._sink.began

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        await self._sink.begin(status, headers)

    async def room(self) -> None:
        await self._sink.room()

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        if status == 200 and (ended := _status_of(body)) is not None:
            body = await self._kept(body, ended)
        await self._sink.whole(status, headers, body)

    @abstractmethod
    async def _kept(self, body: bytes, status: str) -> bytes:
        """As it is told."""

    def _body(self, body: bytes) -> bytes:
        return encode(members(body) | self._told) if self._told else body

    def _not_kept(self, body: bytes) -> bytes:
        return encode(members(body) | self._unkept) if self._unkept else body


class KeepingSink(ToldSink):
    """What ended well is kept when its end is told, and written behind: nothing waits."""

    def __init__(self, sink: Sink, told: Extra, keep: Keep, unkept: Extra = UNKEPT) -> None:
        super().__init__(sink, told, unkept)
        self._keep = keep
        self._over = False

    def put(self, data: bytes) -> bool:
        if self._over:
            return self._sink.put(data)
        told = self._stream.take(data)
        if self._stream.final is not None:
            self._over = True
            told += self._stream.ending({} if self._is_kept() else self._unkept)
        return self._sink.put(told) if told else True

    async def end(self) -> None:
        await self._sink.end()

    def abort(self) -> None:
        self._sink.abort()

    def _is_kept(self) -> bool:
        return self._stream.status in GOOD and self._keep(self._stream.reply, self._stream.status)

    async def _kept(self, body: bytes, status: str) -> bytes:
        body = self._body(body)
        return body if status in GOOD and self._keep(body, status) else self._not_kept(body)


class KeptFirstSink(ToldSink):
    """What ended well is kept before its end is told: whoever looks for it then has it, whichever process is asked."""

    def __init__(self, sink: Sink, told: Extra, keep: KeepFirst) -> None:
        super().__init__(sink, told)
        self._keep = keep

    def put(self, data: bytes) -> bool:
        told = self._stream.take(data)
        return self._sink.put(told) if told else True

    async def end(self) -> None:
        status = self._stream.status
        kept = status in GOOD and await self._keep(self._stream.reply, status)
        self._sink.put(self._stream.ending({} if kept else self._unkept))
        await self._sink.end()

    def abort(self) -> None:
        """What is cut is not kept."""
        self._sink.put(self._stream.ending(self._unkept))
        self._sink.abort()

    async def _kept(self, body: bytes, status: str) -> bytes:
        body = self._body(body)
        return body if status in GOOD and await self._keep(body, status) else self._not_kept(body)


def _status_of(body: bytes) -> str | None:
    """None for what is no response."""
    try:
        return _STATUS.decode(body).status
    except msgspec.MsgspecError:
        return None
