"""Shortening: `context_management`. What a call continues is summed up first, where that has grown beyond a limit.

The summary stands first in the reply, as a `compaction` item that holds all that was said before, the last turn as it
is: who sends it back, or continues the reply, may leave out what stood before. Source: OpenAI, `POST /responses`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing

import msgspec
from msgspec import Raw

from gateway import (
    BlockDelta,
    BlockStart,
    Event,
    Exchange,
    Extra,
    Finished,
    Idle,
    Owner,
    Sink,
    Text,
    UpstreamBroken,
    sse,
)
from gateway.wire.jsontext import encode, members, raw
from gateway.wire.members import INTEGER, TEXT, Members

from ..decode_call import decode_call
from . import items
from .compacting import question
from .sealing import KIND, Seals
from .telling import STATUSES

MEMBER = "context_management"
BYTES_OF_TOKEN = 4
"""About; nobody counts them before the call."""


def threshold_of(asked: Members) -> int | None:
    """Tokens, above which a client wants it shorter. Takes the member out where it says so."""
    value = asked.seen(MEMBER)
    if value is None:
        return None
    for number, entry in enumerate(Members({MEMBER: value}).array(MEMBER)):
        wish = Members.of(entry, f"{MEMBER}[{number}]")
        if wish.take("type", TEXT) == KIND and (most := wish.take("compact_threshold", INTEGER)) is not None:
            asked.raw(MEMBER)
            return most
    return None


class Shortening(msgspec.Struct, frozen=True):
    """Of one call. question: the body that asks for a summary of what came before; tail: what stays as it is."""

    question: bytes
    tail: Sequence[Raw]
    seals: Seals
    owner: Owner

    async def item(self, exchange: Exchange) -> Raw:
        """The compaction, made by whoever is to answer. Raises GatewayError."""
        assert exchange.route is not None
        self.seals.check()
        async with aclosing(exchange.ask(decode_call(self.question), exchange.route)) as events:
            summary = await _summary(events)
        sealed = self.seals.sealed(summary, self.owner, self.tail)
        return raw({"type": KIND, "id": f"{items.PREFIXES[KIND]}_{exchange.reply_id}", "encrypted_content": sealed})


def shortening(
    said: Sequence[Raw], most: int, asked: Members, runs: bool, seals: Seals, owner: Owner
) -> Shortening | None:
    """said: all that the model would be told, summaries opened. None where it is not too much, or would hardly be less
    without what came before its last turn. runs: who answers has tools of its own.
    """
    if _tokens(said) <= most:
        return None
    last = max((n for n, item in enumerate(said) if items.role_of(item) == "user"), default=0)
    head, tail = said[:last], said[last:]
    if _tokens(head) * 2 <= most:
        return None
    return Shortening(question(asked, head, runs), tail, seals, owner)


def _tokens(said: Sequence[Raw]) -> int:
    return sum(map(len, said)) // BYTES_OF_TOKEN


async def _summary(events: AsyncIterator[Event | Idle]) -> str:
    """Raises UpstreamBroken where it is not whole."""
    texts: dict[int, str] = {}
    reason = ""
    async for event in events:
        if isinstance(event, BlockStart) and isinstance(event.block, Text):
            texts[event.index] = event.block.text
        elif isinstance(event, BlockDelta) and event.index in texts:
            texts[event.index] += event.text
        elif isinstance(event, Finished):
            reason = event.reason
    summary = "".join(texts.values())
    if reason != "stop" or not summary.strip():
        raise UpstreamBroken("The model did not come to the end of its summary of what this call continues.")
    return summary


class FirstItemSink(Sink):
    """Puts an item before all others of a reply."""

    def __init__(self, sink: Sink, item: Raw) -> None:
        self._sink = sink
        self._item = item
        self._shown = False
        self._number = 0

    @property
    def began(self) -> bool:  # type: ignore[override]
        return self._sink.began

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        await self._sink.whole(status, headers, encode(self._behind(members(body))) if status == 200 else body)

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        await self._sink.begin(status, headers)

    def put(self, data: bytes) -> bool:
        return self._sink.put(b"".join([self._told(event) for event in sse.events(data)]))

    async def room(self) -> None:
        await self._sink.room()

    async def end(self) -> None:
        await self._sink.end()

    def abort(self) -> None:
        self._sink.abort()

    def _told(self, event: bytes) -> bytes:
        found = members(sse.data(event))
        if "sequence_number" not in found:
            return event
        kind, before = sse.named(event).decode(), b""
        place = found.get("output_index")
        if not self._shown and (place is not None or kind in STATUSES):
            self._shown = True
            before = self._framed("response.output_item.added") + self._framed("response.output_item.done")
        if place is not None:
            found["output_index"] = raw(_PLACE.decode(place) + 1)
        if kind in STATUSES and (response := found.get("response")) is not None:
            found["response"] = raw(self._behind(members(response)))
        return before + self._numbered(found, kind)

    def _framed(self, kind: str) -> bytes:
        return self._numbered({"type": raw(kind), "output_index": raw(0), "item": self._item}, kind)

    def _numbered(self, event: Extra, kind: str) -> bytes:
        event["sequence_number"] = raw(self._number)
        self._number += 1
        return sse.frame(encode(event), kind.encode())

    def _behind(self, response: Extra) -> Extra:
        output = response.get("output")
        return response | {"output": raw([self._item, *(items.listed(bytes(output)) if output is not None else ())])}


_PLACE = msgspec.json.Decoder(int)
