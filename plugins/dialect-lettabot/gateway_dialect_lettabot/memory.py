"""LettaBotKeeper: an agent with `memory: server` is told what was said before. Clients of LettaBot send one message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec

from gateway import Exchange, Finish, Keeper, Keeping, Memory, NotFound, Sink, Thread, Unavailable, sse
from gateway.wire.jsontext import encode

from .calls import Body, Earlier, read
from .names import NAME

Said = Callable[[str], Awaitable[None]]


class LettaBotKeeper(Keeper):
    dialect = NAME

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def concerns(self, exchange: Exchange) -> bool:
        return self._memory.concerns(exchange)

    async def take_up(self, exchange: Exchange) -> Keeping:
        """A client that sends what was said before remembers by itself, and is left alone."""
        body = read(exchange.inbound.body)
        named, body.conversation = body.conversation, None
        if body.earlier:
            exchange.inbound.body = encode(body)
            return _Plain()
        key = exchange.principal.key_id
        thread = Thread.of(exchange, f"conversation_id {named}" if named else f"key {key}")
        body.earlier = [said for one in await self._memory.earlier(thread) if (said := _told(one)) is not None]
        exchange.inbound.body = encode(body)
        return _Remembering(self._memory, exchange, thread, body)

    async def serve(self, exchange: Exchange, sink: Sink) -> None:
        raise NotFound("Nothing of it is served here.")


class _Plain(Keeping):
    """Nothing is kept."""

    def sink(self, sink: Sink) -> Sink:
        return sink

    async def detach(self, sink: Sink, finish: Finish) -> None:
        raise Unavailable("Calls of LettaBot's that nobody waits for have a path of their own.")


class _Remembering(_Plain):
    def __init__(self, memory: Memory, exchange: Exchange, thread: Thread, body: Body) -> None:
        self._memory, self._exchange, self._thread, self._body = memory, exchange, thread, body

    def sink(self, sink: Sink) -> Sink:
        return HearingSink(sink, self._said)

    async def _said(self, text: str) -> None:
        turn = [_message("user", self._body.message or ""), _message("assistant", text)]
        await self._memory.add(self._thread, self._exchange.reply_id, turn)


class _Heard(msgspec.Struct):
    """What is read of a reply, or of an event of a stream."""

    type: str = ""
    success: bool = False
    response: str = ""
    content: str = ""


_HEARD = msgspec.json.Decoder(_Heard)


class HearingSink(Sink):
    """said: is told the text of a reply that ended well, before its client reads the end."""

    def __init__(self, sink: Sink, said: Said) -> None:
        self._sink, self._said = sink, said
        self._text: list[str] = []
        self._well = False
        self._held = b""

    @property
    def began(self) -> bool:  # type: ignore[override]
        return self._sink.began

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        found = _heard(body)
        if status == 200 and found.success:
            await self._said(found.response)
        await self._sink.whole(status, headers, body)

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        await self._sink.begin(status, headers)

    def put(self, data: bytes) -> bool:
        for event in sse.events(data):
            found = _heard(sse.data(event))
            if found.type == "assistant":
                self._text.append(found.content)
            self._well = self._well or (found.type == "result" and found.success)
        if self._held or self._well:
            self._held += data
            return True
        return self._sink.put(data)

    async def room(self) -> None:
        await self._sink.room()

    async def end(self) -> None:
        if self._well:
            await self._said("".join(self._text))
        self._release()
        await self._sink.end()

    def abort(self) -> None:
        self._release()
        self._sink.abort()

    def _release(self) -> None:
        if self._held:
            self._sink.put(self._held)
            self._held = b""


def _heard(payload: bytes) -> _Heard:
    try:
        return _HEARD.decode(payload)
    except msgspec.MsgspecError:
        return _Heard()


def _message(role: Literal["user", "assistant"], text: str) -> bytes:
    return encode({"role": role, "content": text})


def _told(message: msgspec.Raw) -> Earlier | None:
    """None for what LettaBot's clients have no word for: results of tools, and calls without a text."""
    try:
        return msgspec.json.decode(message, type=Earlier)
    except msgspec.MsgspecError:
        return None
