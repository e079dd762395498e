"""Replies of upstreams to events: a stream of chunks, or one completion.

Source: OpenAI, "Chat completion chunk object". Seen in the wild and read all the same: comments, CRLF, no `[DONE]`, no
last blank line, usage beside the last choices, chunks after the finish reason, a whole completion as the one event.
"""

from __future__ import annotations

import msgspec

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
from .choices import ChoiceReader
from .proofs import NAME
from .unread import Unread, telling
from .wire import CHUNK, ERRED, Chunk, ChunkChoice, Delta, blamed, reported

CUT = "The upstream's reply ended before it was complete."
_REASONS: dict[str, Reason] = {
    "stop": "stop",
    "stop_sequence": "stop_sequence",
    "length": "length",
    "max_tokens": "length",
    "model_length": "context_length",
    "model_context_window_exceeded": "context_length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "refusal": "refusal",
    "abort": "cancelled",
    "insufficient_system_resource": "cancelled",
}
"""Besides OpenAI's: Mistral's, Zhipu's, Text Generation Inference's, vLLM's and DeepSeek's, and those that gateways
pass on from other dialects. Google has more behind a colon: `content_filter: PROHIBITED_CONTENT`.
"""


class _Ending(msgspec.Struct):
    """What is known of a choice: its reader, and how it ended."""

    reader: ChoiceReader
    finish: Finished | None = None


class _ReplyReader:
    """Chunks to events. Choices are finished at the reply's end, since chunks may follow a finish reason."""

    def __init__(self, domain: str) -> None:
        self._domain = domain
        self._seed = ""
        self._started = False
        self._extra: Extra = {}
        self._choices: dict[int, _Ending] = {}
        self._erred = False
        self.failed = False
        self.loss = Loss()

    @property
    def whole(self) -> bool:
        return bool(self._choices) and all(ending.finish for ending in self._choices.values())

    def read(self, chunk: Chunk, event: Unread, out: list[Event]) -> None:
        if not self._started:
            self._start(chunk, event, out)
        for choice in chunk.choices or ():
            self._choice(choice, event, out)
        if any(choice.finish_reason for choice in chunk.choices or ()):
            self._lose_late(event)
        usage = reported(chunk)
        if usage:
            out.append(usages.read(usage))
            for path in event.of_usage():
                self.loss.add(path)
            if not chunk.choices:
                self._lose_late(event)
        if error := blamed(chunk, event.payload):
            self.fail(refusals.in_band(error), out)
        elif self._erred:
            self.fail(refusals.in_band(None), out)

    def fail(self, error: UpstreamError, out: list[Event]) -> None:
        if not self.failed:
            self.failed = True
            out.append(Failed(error))

    def finish(self, out: list[Event]) -> None:
        if not self._started:
            out.append(Started(dialect=NAME, extra=self._extra))
        endings = sorted(self._choices.items())
        for _, ending in endings:
            ending.reader.finish(out)
        out += [ending.finish or Finished(index) for index, ending in endings] or [Finished()]

    def _start(self, chunk: Chunk, event: Unread, out: list[Event]) -> None:
        """Azure's first chunk tells of its prompt filters and has neither id nor choices."""
        self._extra |= event.of_chunk()
        if not chunk.id and not chunk.choices and not chunk.usage:
            return
        self._started = True
        created = _seconds(chunk.created)
        self._seed = f"{chunk.id}/{created}/{chunk.model}"
        out.append(Started(chunk.id or None, chunk.model or None, created, NAME, self._extra))

    def _choice(self, choice: ChunkChoice, event: Unread, out: list[Event]) -> None:
        first = choice.index not in self._choices
        if first:
            reader = ChoiceReader(choice.index, self._seed, self._domain, self.loss)
            self._choices[choice.index] = _Ending(reader)
        ending = self._choices[choice.index]
        if choice.message is not None:
            _number(choice.message)
        ending.reader.read(choice, event, out)
        if first or choice.finish_reason:
            ending.reader.lose(choice, event)
        if choice.finish_reason:
            self._erred = choice.finish_reason in ERRED
            ending.finish = _finished(choice, event)

    def _lose_late(self, event: Unread) -> None:
        """Members of the reply that came after its start has been told."""
        for name in telling(event.of_chunk()):
            if name not in self._extra:
                self.loss.add(name)


def _seconds(time: float | None) -> int | None:
    """None for what is no time: JSON of Python's knows NaN and Infinity."""
    return int(time) if time and 0 < time < 2**53 else None


def _finished(choice: ChunkChoice, event: Unread) -> Finished:
    word = choice.finish_reason or ""
    reason = _REASONS.get(word.partition(":")[0].lower(), "stop")
    detail = choice.native_finish_reason if choice.native_finish_reason != word else None
    if word not in _REASONS:
        detail = word
    if reason == "stop" and isinstance(choice.stop_reason, str):
        reason, detail = "stop_sequence", choice.stop_reason
    return Finished(choice.index, reason, detail, extra=event.of_choice(choice.index))


def _number(message: Delta) -> None:
    """Each call of a whole message is one of its own, whatever index or id it has."""
    for number, call in enumerate(message.tool_calls or ()):
        call.index = number


class StreamDecoder(Decoder):
    def __init__(self, target: Target) -> None:
        self._splitter = sse.Splitter()
        self._reader = _ReplyReader(target.state_domain)
        self.loss = self._reader.loss.paths
        self._done = False

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
        try:
            self._event(self._splitter.rest(), out)
        except UpstreamBroken as error:
            if not self._reader.whole:
                self._reader.fail(error, out)
        if self._reader.failed:
            return out
        if self._done or self._reader.whole:
            self._reader.finish(out)
        else:
            self._reader.fail(UpstreamBroken(CUT), out)
        return out

    def _event(self, event: bytes, out: list[Event]) -> None:
        payload = jsontext.sound(sse.data(event) or (event if event.startswith(b"{") else b""))
        if not payload or self._done or self._reader.failed:
            return
        if event.startswith(b"event:") and sse.named(event) == b"error":
            self._reader.fail(refusals.in_band(jsontext.anything(payload)), out)
        elif payload.strip() == b"[DONE]":
            self._done = True
        else:
            self._reader.read(CHUNK.read(payload), Unread(payload), out)


class WholeDecoder(BodyDecoder):
    def __init__(self, target: Target) -> None:
        super().__init__()
        self._reader = _ReplyReader(target.state_domain)
        self.loss = self._reader.loss.paths

    def read(self, body: bytes) -> list[Event]:
        out: list[Event] = []
        body = jsontext.sound(body)
        try:
            chunk = CHUNK.read(body)
        except UpstreamBroken as error:
            self._reader.fail(error, out)
            return out
        self._reader.read(chunk, Unread(body), out)
        if self._reader.failed:
            return out
        if chunk.choices:
            self._reader.finish(out)
        else:
            self._reader.fail(UpstreamBroken(CUT), out)
        return out
