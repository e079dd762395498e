"""Events to a client's reply: chunks of a stream in either framing, or one whole reply.

How a reply ended and its usage go into the last chunk, since usage may come last of all. No comments keep a silent
stream open: Google's SDKs fail on them.
"""

from __future__ import annotations

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Encoder,
    Event,
    Failed,
    Finished,
    GatewayError,
    Started,
    Usage,
)
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import ends, framings, refusals
from .names import NAME
from .parts import Choice, HeldChoice, LiveChoice


class StreamEncoder(Encoder):
    """array: elements of a JSON array instead of events."""

    def __init__(self, call: Call, array: bool) -> None:
        self._loss = Loss()
        self.loss = self._loss.paths
        self._model = call.model
        self._array = array
        self.content_type = framings.ARRAY_TYPE if array else framings.SSE_TYPE
        self._started = Started()
        self._tail = b"}"
        self._choices: dict[int, LiveChoice] = {}
        self._usage: Usage | None = None
        self._begun = False
        self._over = False

    def encode(self, event: Event) -> bytes:
        match event:
            case BlockDelta():
                return self._chunk(event.choice, self._choice(event.choice).delta(event))
            case BlockStart():
                return self._chunk(event.choice, self._choice(event.choice).start(event.index, event.block))
            case BlockStop():
                return self._chunk(event.choice, self._choice(event.choice).stop(event.index))
            case Started():
                self._start(event)
            case Usage():
                self._usage = event
            case Finished():
                choice = self._choice(event.choice)
                choice.finished = event
                return self._chunk(event.choice, choice.close())
            case Failed():
                return self.fail(event.error)
        return b""

    def fail(self, error: GatewayError) -> bytes:
        self._over = True
        return framings.last_words(refusals.encode(error), self._array, not self._begun)

    def finish(self) -> bytes:
        if self._over:
            return b""
        last = self._framed(jsontext.encode(self._last()))
        return last + b"]" if self._array else last

    def _start(self, started: Started) -> None:
        self._started = started
        self._loss.own = started.dialect == NAME
        self._tail = b"," + jsontext.encode(ends.around(started, self._model, self._loss))[1:]

    def _choice(self, index: int) -> LiveChoice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = LiveChoice(self._loss)
        return choice

    def _chunk(self, choice: int, parts: list[Members]) -> bytes:
        if not parts:
            return b""
        written = jsontext.encode(parts)
        head = b'{"candidates":[{"content":{"parts":%b,"role":"model"},"index":%d}]' % (written, choice)
        return self._framed(head + self._tail)

    def _framed(self, payload: bytes) -> bytes:
        framed = framings.element(payload, not self._begun) if self._array else framings.event(payload)
        self._begun = True
        return framed

    def _last(self) -> Members:
        """An empty text with each end: SDKs' helpers look for a part in every chunk."""
        told: dict[int, tuple[Choice, list[Members]]] = {
            index: (choice, [{"text": ""}]) for index, choice in sorted(self._choices.items())
        }
        return _reply(told, self._usage, self._started, self._model, self._loss)


class WholeEncoder(Encoder):
    content_type = framings.ARRAY_TYPE

    def __init__(self, call: Call) -> None:
        self._loss = Loss()
        self.loss = self._loss.paths
        self._model = call.model
        self._started = Started()
        self._choices: dict[int, HeldChoice] = {}
        self._parts: dict[int, dict[int, list[Members]]] = {}
        self._usage: Usage | None = None
        self._failed: GatewayError | None = None

    def encode(self, event: Event) -> bytes:
        match event:
            case BlockDelta():
                self._choice(event.choice).delta(event)
            case BlockStart():
                self._choice(event.choice).start(event.index, event.block)
                self._parts[event.choice][event.index] = []
            case BlockStop():
                self._parts[event.choice][event.index] = self._choice(event.choice).stop(event.index)
            case Started():
                self._started = event
                self._loss.own = event.dialect == NAME
            case Usage():
                self._usage = event
            case Finished():
                self._choice(event.choice).finished = event
            case Failed():
                self._failed = event.error
        return b""

    def fail(self, error: GatewayError) -> bytes:
        self._failed = None
        self._choices = {}
        return refusals.encode(error)

    def finish(self) -> bytes:
        if self._failed is not None:
            return refusals.encode(self._failed)
        told: dict[int, tuple[Choice, list[Members]]] = {
            index: (choice, self._said(index)) for index, choice in sorted(self._choices.items())
        }
        return jsontext.encode(_reply(told, self._usage, self._started, self._model, self._loss))

    def _choice(self, index: int) -> HeldChoice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = HeldChoice(self._loss)
            self._parts[index] = {}
        return choice

    def _said(self, index: int) -> list[Members]:
        """Blocks in their order, whichever stopped first."""
        left = self._choices[index].close()
        return [part for _, parts in sorted(self._parts[index].items()) for part in parts] + left


def _reply(
    told: dict[int, tuple[Choice, list[Members]]],
    usage: Usage | None,
    started: Started,
    model: str,
    loss: Loss,
) -> Members:
    candidates: list[Members] = []
    feedback: Members = {}
    for index, (choice, parts) in told.items():
        refused = ends.blocked(choice, loss)
        if refused is not None:
            feedback = refused
            continue
        content: Members = {"parts": parts, "role": "model"}
        candidates.append({"content": content, **ends.ending(choice, loss), "index": index})
    out: Members = {"candidates": candidates} if candidates else {}
    return {**out, **feedback, **ends.counted(usage, started, loss), **ends.around(started, model, loss)}
