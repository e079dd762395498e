"""Reading along while an upstream's bytes pass through.

Of a block of events only those that are no content are parsed: the message's start, its end, pings, errors. What the
model said is measured by one pass over a stream's first bytes; the rest counts in their proportion, since deltas of one
stream are much alike.
"""

from __future__ import annotations

import re

from msgspec import Raw

from gateway import Extra, GatewayError, Tap, sse
from gateway.wire import jsontext
from gateway.wire.bodies import BodyTap
from gateway.wire.outputs import OutputSize

from . import refusals, usages
from .wire import TAIL, Tail

SAMPLE = 2**13
"""Bytes of a stream whose deltas are measured."""
_CONTENT = (b"event: content_block_", b'data: {"type":"content_block_', b"event:content_block_")
_SAID = re.compile(rb'"(?:text|thinking|partial_json)"\s*:\s*"((?:[^"\\]++|\\.)++)', re.DOTALL).findall
_NONE = Raw(b"null")


class _Seen:
    """What both framings take in."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._counter = usages.Counter()

    def name(self, name: str | None, model: str | None) -> None:
        self._tap.response_id = self._tap.response_id or name
        self._tap.model = self._tap.model or model

    def use(self, usage: usages.WireUsage | None, begun: bool = False) -> None:
        if usage is not None:
            self._tap.usage = self._counter.read(usage, begun)

    def fail(self, payload: bytes) -> None:
        self._tap.failed = self._tap.failed or refusals.in_band(jsontext.anything(payload))


class StreamTap(Tap):
    def __init__(self) -> None:
        self._splitter = sse.Splitter()
        self._seen = _Seen(self)
        self._begun = False
        self._gap = b""
        self._size = OutputSize(_SAID, SAMPLE)

    def feed(self, data: bytes) -> bytes:
        block = self._splitter.whole(data)
        if block:
            self.output_bytes = self._size.add(block)
            if b"message_" in block or b"error" in block:
                self._look(block)
        return block

    def fail(self, error: GatewayError) -> bytes:
        return self._gap + refusals.told(error)

    def finish(self) -> bytes:
        """A half event goes out too; what may follow it in-band must not become part of it."""
        rest = self._splitter.rest()
        if rest:
            self.output_bytes = self._size.add(rest)
            self._look(rest)
            self._gap = b"\n\n"
        return rest

    def _look(self, block: bytes) -> None:
        for event in sse.events(block):
            if not event.startswith(_CONTENT):
                self._read(event)

    def _read(self, event: bytes) -> None:
        payload = sse.data(event) or (event if event.startswith(b"{") else b"")
        if not payload or self.complete or self.failed is not None:
            return
        if sse.named(event) == b"error":
            self._seen.fail(payload)
            return
        tail = TAIL.seen(payload)
        if tail is not None:
            self._take(tail, payload)

    def _take(self, tail: Tail, payload: bytes) -> None:
        if tail.type == "message_start" and tail.message is not None and not self._begun:
            self._begun = True
            self._seen.name(tail.message.id, tail.message.model)
            self._seen.use(tail.message.usage, begun=True)
        elif tail.type == "message_delta":
            self._seen.use(tail.usage)
        elif tail.type == "message_stop":
            self.complete = True
        elif tail.type == "error" or tail.error:
            self._seen.fail(payload)


class WholeTap(BodyTap):
    """output_bytes: all bytes until the reply is whole, then those of what the model said, where usage is not told."""

    def __init__(self) -> None:
        super().__init__()
        self._seen = _Seen(self)

    def read(self, body: bytes) -> None:
        tail = TAIL.seen(body)
        if tail is None:
            return
        if tail.type == "error" or tail.error:
            self._seen.fail(body)
            return
        members = jsontext.members(body)
        self._seen.name(tail.id, tail.model)
        self._seen.use(tail.usage)
        self.complete = "content" in members
        if self.usage is None:
            self.output_bytes = sum(_said(block) for block in jsontext.objects(members.get("content", _NONE)))


def _said(block: Extra) -> int:
    return sum(len(block[name]) for name in ("text", "thinking", "input") if name in block)
