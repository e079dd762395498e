"""KeepingSink: a reply on its way to its client, as the client is to be told, and kept before its end is told.

What comes are whole events, or one body. Only events that hold the response as a whole are looked into: the first two
of a stream, and its last.
"""

from __future__ import annotations

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
Keep = Callable[[bytes, str], Awaitable[bool]]
"""Keeps a finished reply of this status; whether it could."""
UNKEPT: Extra = {"store": Raw(b"false")}


class _Event(msgspec.Struct):
    type: str = ""
    response: Raw = Raw(b"")


_EVENT = msgspec.json.Decoder(_Event)


class _Status(msgspec.Struct):
    status: str = ""


_STATUS = msgspec.json.Decoder(_Status)


class Retold:
    """Pieces of a stream with some members of the response set. final, status: of the last event, once it has come.

    held: that event and what follows it.
    """

    def __init__(self, told: Extra) -> None:
        self._told = told
        self.final: Extra | None = None
        self.status = ""
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
        event = members(self._end) | {"response": raw(self.final | more)}
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
        response = members(found.response) | self._told
        if found.type in STATUSES:
            self.final, self.status = response, STATUSES[found.type]
            self._whole, self._end, self._name = event, payload, sse.named(event)
            return b""
        if not self._told:
            return event
        return sse.frame(encode(members(payload) | {"response": raw(response)}), sse.named(event))


class KeepingSink(Sink):
    """told: members of the response as the client is to read them. keep: for what ended well."""

    def __init__(self, sink: Sink, told: Extra, keep: Keep) -> None:
        self._sink = sink
        self._told = told
        self._keep = keep
        self._stream = Retold(told)

    @property
    def began(self) -> bool:  # type: ignore[override]
        return self._sink.began

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        if status == 200:
            body = await self._whole(body)
        await self._sink.whole(status, headers, body)

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        await self._sink.begin(status, headers)

    def put(self, data: bytes) -> bool:
        told = self._stream.take(data)
        return self._sink.put(told) if told else True

    async def room(self) -> None:
        await self._sink.room()

    async def end(self) -> None:
        more: Extra = {}
        if self._stream.final is not None and not await self._kept(self._stream.final, self._stream.status):
            more = UNKEPT
        self._sink.put(self._stream.ending(more))
        await self._sink.end()

    def abort(self) -> None:
        """What is cut is not kept."""
        self._sink.put(self._stream.ending(UNKEPT))
        self._sink.abort()

    async def _whole(self, body: bytes) -> bytes:
        try:
            status = _STATUS.decode(body).status
        except msgspec.MsgspecError:
            return body
        found = members(body) | self._told
        if await self._kept(found, status):
            return encode(found) if self._told else body
        return encode(found | UNKEPT)

    async def _kept(self, final: Extra, status: str) -> bool:
        return status in ("completed", "incomplete") and await self._keep(encode(final), status)
