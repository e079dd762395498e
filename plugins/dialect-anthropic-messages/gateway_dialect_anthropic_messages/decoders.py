"""Replies of upstreams to events: a stream, or one message.

Source: Anthropic, "Streaming messages". The end is told by `message_stop`, a stream without it was cut. Read all the
same: comments, CRLF, no `event:` lines, no last blank line, `[DONE]`, events that nobody knows.
"""

from __future__ import annotations

from contextlib import suppress

from gateway import (
    Decoder,
    Event,
    Extra,
    Failed,
    Finished,
    Reason,
    Started,
    Target,
    UpstreamBroken,
    UpstreamError,
    sse,
)
from gateway.wire import jsontext
from gateway.wire.bodies import BodyDecoder
from gateway.wire.losses import Loss

from . import refusals, usages
from .contents import Reader
from .names import NAME
from .wire import EVENT, WHOLE, Delta, Whole
from .wire import Event as WireEvent

CUT = "The upstream's reply ended before it was complete."
_REASONS: dict[str, Reason] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "compaction": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_length",
}
_PLAIN = frozenset(("end_turn", "max_tokens", "tool_use", "pause_turn", "model_context_window_exceeded"))
_MESSAGE = frozenset((*Whole.__struct_fields__, "role", "content"))
_LATE = frozenset(("stop_details", "container", "context_management"))
"""Members of a message that a stream tells at its end."""
_EMPTY = jsontext.raw({})
_DELTA = b"event: content_block_delta\ndata: "
"""How most events begin; these need not be taken apart by lines."""


class _ReplyReader:
    """What both framings share: start, blocks, usage and end."""

    def __init__(self, target: Target) -> None:
        self.loss = Loss()
        self.blocks = Reader(target.state_domain, self.loss)
        self.started = False
        self.done = False
        self.failed = False
        self._counter = usages.Counter()
        self._usage: Extra = {}
        self._late: Extra = {}
        self._reason: str | None = None
        self._sequence: str | None = None

    def start(self, whole: Whole, members: Extra, out: list[Event]) -> None:
        self.started = True
        extra = _telling(members)
        self._late |= {name: extra.pop(name) for name in _LATE if name in extra}
        out.append(Started(whole.id or None, whole.model or None, None, NAME, extra))

    def begin(self, out: list[Event]) -> None:
        """Some servers leave the start of a message out."""
        if not self.started:
            self.start(Whole(), {}, out)

    def use(self, usage: usages.WireUsage | None, members: Extra, out: list[Event], begun: bool = False) -> None:
        if usage is not None:
            out.append(self._counter.read(usage, begun))
            self._usage |= usages.others(members.get("usage"))

    def end(self, reason: str | None, sequence: str | None, members: Extra) -> None:
        self._reason = reason or self._reason
        self._sequence = sequence or self._sequence
        self._late |= members

    def finish(self, out: list[Event]) -> None:
        self.begin(out)
        self.blocks.finish(out)
        self.done = True
        extra = self._late | ({"usage": jsontext.raw(self._usage)} if self._usage else {})
        word = self._reason or "end_turn"
        reason = _REASONS.get(word, "stop")
        out.append(Finished(0, reason, self._detail(word), extra=extra))

    def fail(self, error: UpstreamError, out: list[Event]) -> None:
        if not self.failed and not self.done:
            self.failed = True
            out.append(Failed(error))

    def _detail(self, word: str) -> str | None:
        if word == "stop_sequence":
            return self._sequence
        if word == "refusal":
            category = jsontext.members(self._late.get("stop_details", _EMPTY)).get("category")
            found = jsontext.loaded(category) if category is not None else None
            return found if isinstance(found, str) else None
        return None if word in _PLAIN else word


class StreamDecoder(Decoder):
    def __init__(self, target: Target) -> None:
        self._splitter = sse.Splitter()
        self._reader = _ReplyReader(target)
        self.loss = self._reader.loss.paths

    def feed(self, data: bytes) -> list[Event]:
        out: list[Event] = []
        try:
            for event in sse.events(self._splitter.whole(data)):
                self._event(event, out)
        except UpstreamError as error:
            self._reader.fail(error, out)
        return out

    def finish(self) -> list[Event]:
        out: list[Event] = []
        with suppress(UpstreamBroken):  # half an event: the reply was cut, which is told below
            self._event(self._splitter.rest(), out)
        self._reader.fail(UpstreamBroken(CUT), out)
        return out

    def _event(self, event: bytes, out: list[Event]) -> None:
        if event.startswith(_DELTA) and not self._reader.done and not self._reader.failed:
            payload = event[len(_DELTA) :].removesuffix(b"\n\n")
            if b"\n" not in payload and b"\r" not in payload:
                self._delta(EVENT.read(payload), payload, out)
                return
        self._any(event, out)

    def _any(self, event: bytes, out: list[Event]) -> None:
        payload = sse.data(event) or (event if event.startswith(b"{") else b"")
        if not payload or self._reader.done or self._reader.failed or payload.strip() == b"[DONE]":
            return
        if sse.named(event) == b"error":
            self._reader.fail(refusals.in_band(jsontext.anything(payload)), out)
            return
        self._delta(EVENT.read(payload), payload, out)

    def _delta(self, read: WireEvent, payload: bytes, out: list[Event]) -> None:
        if read.type != "content_block_delta":
            self._rarer(read, jsontext.sound(payload), out)
        elif read.delta is not None:
            self._reader.blocks.delta(read.index, read.delta, payload, out)

    def _rarer(self, read: WireEvent, payload: bytes, out: list[Event]) -> None:
        reader = self._reader
        if read.type == "content_block_start":
            reader.begin(out)
            reader.blocks.start(read.index, jsontext.members(_member(payload, "content_block")), out)
        elif read.type == "content_block_stop":
            reader.blocks.stop(read.index, out)
        elif read.type == "message_delta":
            self._ending(read, payload, out)
        elif read.type == "message_start":
            self._starting(payload, out)
        elif read.type == "message_stop":
            reader.finish(out)
        elif read.type == "error" or read.error:
            reader.fail(refusals.in_band(jsontext.anything(payload)), out)
        elif read.type != "ping":
            reader.loss.add(read.type or "event")

    def _starting(self, payload: bytes, out: list[Event]) -> None:
        """Said twice before there is any content, it says nothing new; later, the upstream has begun once more."""
        if self._reader.blocks.begun:
            raise UpstreamBroken("The upstream began its reply anew.")
        if self._reader.started:
            return
        message = _member(payload, "message")
        whole, members = WHOLE.read(message), jsontext.members(message)
        self._reader.start(whole, _unknown(members), out)
        self._reader.use(whole.usage, members, out, begun=True)

    def _ending(self, read: WireEvent, payload: bytes, out: list[Event]) -> None:
        members = jsontext.members(payload)
        inner = jsontext.members(members.get("delta", _EMPTY))
        late = {name: value for name, value in members.items() if name not in WireEvent.__struct_fields__}
        late |= {name: value for name, value in inner.items() if name not in Delta.__struct_fields__}
        self._reader.begin(out)
        self._reader.use(read.usage, members, out)
        delta = read.delta or Delta()
        self._reader.end(delta.stop_reason, delta.stop_sequence, _telling(late))


class WholeDecoder(BodyDecoder):
    def __init__(self, target: Target) -> None:
        super().__init__()
        self._reader = _ReplyReader(target)
        self.loss = self._reader.loss.paths

    def read(self, body: bytes) -> list[Event]:
        out: list[Event] = []
        try:
            self._message(jsontext.sound(body), out)
        except UpstreamError as error:
            return [Failed(error)]
        return out

    def _message(self, body: bytes, out: list[Event]) -> None:
        whole = WHOLE.read(body)
        members = jsontext.members(body)
        if whole.type == "error" or whole.error:
            raise refusals.in_band(jsontext.anything(body))
        if "content" not in members:
            raise UpstreamBroken("The upstream sent something that is not a message.")
        reader = self._reader
        reader.start(whole, _unknown(members), out)
        for index, block in enumerate(jsontext.objects(members["content"])):
            reader.blocks.start(index, block, out)
            reader.blocks.stop(index, out)
        reader.use(whole.usage, members, out)
        reader.end(whole.stop_reason, whole.stop_sequence, {})
        reader.finish(out)


def _member(payload: bytes, name: str) -> bytes:
    return bytes(jsontext.members(payload).get(name, _EMPTY))


def _unknown(members: Extra) -> Extra:
    return {name: value for name, value in members.items() if name not in _MESSAGE}


def _telling(members: Extra) -> Extra:
    return {name: value for name, value in members.items() if not jsontext.is_null(value)}
