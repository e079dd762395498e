"""Reading along while an upstream's bytes pass through.

How a stream ends stands in its last events: of a block only these are scanned, and only those that hold a signal are
looked into. Signals with quotes cannot stand within a model's text, where a quote has a backslash before it. OpenAI
writes `"usage":null` and `"finish_reason":null` in every chunk, so a value is looked for, not the name.

`output_bytes` is the model's text as it stands in the deltas, found by one pass over a block. Each delta counts for a
token at least, as upstreams hardly send less. Reasoning that an upstream keeps to itself is not in it.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from gateway import BlockDelta, Event, GatewayError, Inbound, Tap, sse
from gateway.wire import jsontext
from gateway.wire.bodies import BodyTap
from gateway.wire.losses import Loss
from gateway.wire.outputs import OutputSize

from . import refusals, usages
from .choices import ChoiceReader
from .unread import Unread
from .wire import DELTA, ERRED, TAIL, ChunkChoice, Tail, blamed, reported

LAST = 5
"""Events of a block that are scanned: a finish reason, usage, [DONE], and comments between them."""
_NONE = Raw(b"null")
SHORT = 2**10
"""Bytes of a block that are scanned whole: an event or two."""
SAMPLE = 2**12
"""Bytes of a stream whose deltas are measured."""
_VALUE = re.compile(rb'"(?:usage|finish_reason)"\s*:\s*[^n\s]').search
# The first text of a delta that is not empty, else b""; names that only end so (`reasoning_content`) count too. Every
# delta is matched to its end, whatever it holds, so that no byte is looked at twice.
_SAID = re.compile(
    rb'"delta"\s*:\s*\{[^}]*?'
    rb'(?:(?:content|reasoning|arguments|text|refusal|input)"\s*:\s*"((?:[^"\\]++|\\.)++)|\}|\Z)',
    re.DOTALL,
).findall


class _Asked(msgspec.Struct):
    n: int | None = None


_ASKED = msgspec.json.Decoder(_Asked)


class StreamTap(Tap):
    """hide_usage: take out the chunk that only tells usage, since the client did not ask for it."""

    def __init__(self, inbound: Inbound, hide_usage: bool) -> None:
        self._splitter = sse.Splitter()
        self._asked = _choices(inbound.body)
        self._hide_usage = hide_usage
        self._named = False
        self._size = OutputSize(_SAID, SAMPLE)
        self._gap = b""
        self._done = False
        self._finished: set[int] = set()

    def feed(self, data: bytes) -> bytes:
        block = self._splitter.whole(data)
        if not block:
            return b""
        self.output_bytes = self._size.add(block)
        if b"\r" in block:
            return self._look(block)
        if not self._named:
            self._read_name(block)
        start = sse.last_events(block, LAST) if len(block) > SHORT else 0
        if not _signals(block, start):
            return block
        return block[:start] + self._look(block[start:]) if start else self._look(block)

    def fail(self, error: GatewayError) -> bytes:
        return self._gap + sse.frame(refusals.encode(error))

    def finish(self) -> bytes:
        """A half event goes out too; what may follow it in-band must not become part of it."""
        rest = self._splitter.rest()
        if rest:
            self.output_bytes = self._size.add(rest)
            rest = self._look(rest)
            self._gap = b"\n\n"
        self.complete = self._done or self.failed is not None or self._all_finished()
        return rest

    def _look(self, block: bytes) -> bytes:
        hidden = False
        kept = []
        for event in sse.events(block):
            if (not self._named or _signals(event, 0)) and self._hides(event):
                hidden = True
            else:
                kept.append(event)
        return b"".join(kept) if hidden else block

    def _read_name(self, block: bytes) -> None:
        """The reply's id and model, from the first event that has them."""
        start = 0
        while not self._named and (end := block.find(b"\n\n", start)) >= 0:
            payload = sse.data(block[start : end + 2])
            tail = TAIL.seen(payload) if payload.startswith(b"{") else None
            if tail is not None:
                self.response_id, self.model = tail.id, tail.model
                self._named = bool(tail.id or tail.choices)
            start = end + 2

    def _all_finished(self) -> bool:
        """Without [DONE], each of the `n` choices must have said that it ended."""
        return bool(self._finished) and len(self._finished) >= self._asked

    def _hides(self, event: bytes) -> bool:
        """Takes in what the event says; whether it is to be taken out."""
        payload = sse.data(event) or (event if event.startswith(b"{") else b"")
        if payload.strip() == b"[DONE]":
            self._done = self.complete = True
        elif event.startswith(b"event:") and sse.named(event) == b"error":
            self.failed = refusals.in_band(jsontext.anything(payload))
        elif payload:
            return self._read(payload)
        return False

    def _read(self, payload: bytes) -> bool:
        tail = TAIL.seen(payload)
        if tail is None:
            return False
        _take(self, tail, payload)
        for choice in tail.choices or ():
            if choice.finish_reason:
                self._finished.add(choice.index)
        self._named = self._named or bool(self.response_id or tail.choices)
        return self._hide_usage and tail.choices == [] and tail.usage is not None


class WholeTap(BodyTap):
    """output_bytes: all bytes until the reply is whole, then those of what the model said, where usage is not told."""

    def read(self, body: bytes) -> None:
        tail = TAIL.seen(body)
        if tail is None:
            return
        _take(self, tail, body)
        self.complete = bool(tail.choices) or self.failed is not None
        if self.usage is None:
            choices = jsontext.objects(jsontext.members(body).get("choices", _NONE))
            self.output_bytes = sum(_said(choice.get("message", _NONE)) for choice in choices)


def _choices(body: bytes) -> int:
    """How many were asked for."""
    if b'"n"' not in body:
        return 1
    try:
        return _ASKED.decode(body).n or 1
    except msgspec.DecodeError:
        return 1


def _said(message: Raw) -> int:
    """Bytes of what the model said in a message; nothing for one that cannot be read."""
    events: list[Event] = []
    delta = DELTA.seen(bytes(message))
    if delta is None:
        return 0
    ChoiceReader(0, "", "", Loss()).read(ChunkChoice(message=delta), Unread(b""), events)
    return sum(len(event.text.encode("utf-8", "replace")) for event in events if isinstance(event, BlockDelta))


def _signals(block: bytes, start: int) -> bool:
    """Whether to look closer from there on. `error` stands for the member and for the event of that name."""
    return _VALUE(block, start) is not None or block.find(b"[DONE]", start) >= 0 or block.find(b"error", start) >= 0


def _take(tap: Tap, tail: Tail, payload: bytes) -> None:
    tap.response_id = tap.response_id or tail.id
    tap.model = tap.model or tail.model
    usage = reported(tail)
    if usage:
        tap.usage = usages.read(usage)
    if error := blamed(tail, payload):
        tap.failed = refusals.in_band(error)
    elif any(choice.finish_reason in ERRED for choice in tail.choices or ()):
        tap.failed = tap.failed or refusals.in_band(None)
