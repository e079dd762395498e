"""Replies of upstreams to events: a stream of JSON lines, or one JSON text."""

from __future__ import annotations

from contextlib import suppress

from msgspec import Raw

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Decoder,
    Event,
    Failed,
    Finished,
    Reasoning,
    Started,
    Text,
    ToolCall,
    UpstreamBroken,
    UpstreamError,
)
from gateway.wire import jsontext, lines
from gateway.wire.bodies import BodyDecoder
from gateway.wire.losses import Loss

from . import dates, ids, refusals
from .names import NAME, REASONS
from .wire import Called, Chunk, decode, says, unknown

CUT = "The upstream's reply ended before it was complete."


class _Reader:
    """Chunks to events. Text and thoughts come in deltas, each call whole."""

    def __init__(self) -> None:
        self.loss = Loss()
        self._open: type[Text] | type[Reasoning] | None = None
        self._blocks = 0
        self._calls = 0
        self._seed = ""
        self._started = False
        self.over = False

    def read(self, chunk: Chunk, payload: bytes, out: list[Event], whole: bool = False) -> None:
        if chunk.failed:
            self.fail(refusals.in_band(jsontext.loaded(chunk.error)), out)
            return
        if not self._started:
            self._start(chunk, out)
        said = chunk.said()
        logprobs = chunk.logprobs if says(chunk.logprobs) else None
        if said.thinking:
            self._more(Reasoning, said.thinking, None if said.content else logprobs, out)
        if said.content or (logprobs is not None and not said.thinking):
            self._more(Text, said.content or "", logprobs, out)
        for call in said.tool_calls or ():
            self._call(call, out)
        if says(said.images):
            self.loss.add("message.images")
        if chunk.done or whole:
            self._finish(chunk, payload, out)

    def fail(self, error: UpstreamError, out: list[Event]) -> None:
        self.over = True
        out.append(Failed(error))

    def _start(self, chunk: Chunk, out: list[Event]) -> None:
        self._started = True
        self._seed = f"{chunk.model}/{chunk.created_at}"
        out.append(Started(model=chunk.model or None, created=dates.seconds(chunk.created_at), dialect=NAME))

    def _more(self, kind: type[Text] | type[Reasoning], text: str, logprobs: Raw | None, out: list[Event]) -> None:
        if self._open is not kind:
            self._close(out)
            self._open = kind
            out.append(BlockStart(0, self._blocks, kind()))
        out.append(BlockDelta(0, self._blocks, text, logprobs))

    def _close(self, out: list[Event]) -> None:
        if self._open is not None:
            self._open = None
            out.append(BlockStop(0, self._blocks))
            self._blocks += 1

    def _call(self, called: Called, out: list[Event]) -> None:
        self._close(out)
        identity = called.id or ids.of_reply(self._seed, self._calls)
        out.append(BlockStart(0, self._blocks, ToolCall(identity, called.function.name)))
        out.append(BlockDelta(0, self._blocks, arguments(called.function.arguments)))
        out.append(BlockStop(0, self._blocks))
        self._blocks += 1
        self._calls += 1

    def _finish(self, chunk: Chunk, payload: bytes, out: list[Event]) -> None:
        self.over = True
        self._close(out)
        if (usage := chunk.usage()) is not None:
            out.append(usage)
        word = chunk.done_reason or ""
        reason = REASONS.get(word, "stop")
        out.append(
            Finished(
                reason="tool_calls" if self._calls and reason == "stop" else reason,
                detail=None if word in ("", "stop", "length") else word,
                at=dates.seconds(chunk.created_at),
                extra=unknown(payload),
            )
        )


def arguments(value: Raw) -> str:
    """As they stand; servers that stand in for Ollama may send them as text, or not at all."""
    if jsontext.is_null(value):
        return "{}"
    found = jsontext.loaded(value) if jsontext.first(value) == b'"' else None
    return found if isinstance(found, str) else bytes(value).decode("utf-8", "replace")


class StreamDecoder(Decoder):
    def __init__(self) -> None:
        self._reader = _Reader()
        self.loss = self._reader.loss.paths
        self._splitter = lines.Splitter()

    def feed(self, data: bytes) -> list[Event]:
        out: list[Event] = []
        if self._reader.over:
            return out
        try:
            self._read(self._splitter.whole(data), out)
        except UpstreamBroken as error:
            self._reader.fail(error, out)
        return out

    def finish(self) -> list[Event]:
        out: list[Event] = []
        with suppress(UpstreamBroken):  # of half a line, that the reply was cut says more
            self._read(self._splitter.rest(), out)
        if not self._reader.over:
            self._reader.fail(UpstreamBroken(CUT), out)
        return out

    def _read(self, block: bytes, out: list[Event]) -> None:
        for text in lines.texts(block):
            if not self._reader.over:
                self._reader.read(decode(text), text, out)


class WholeDecoder(BodyDecoder):
    def __init__(self) -> None:
        super().__init__()
        self._reader = _Reader()
        self.loss = self._reader.loss.paths

    def read(self, body: bytes) -> list[Event]:
        out: list[Event] = []
        try:
            chunk = decode(body)
            if not (chunk.failed or chunk.done or chunk.message is not None or chunk.response is not None):
                raise UpstreamBroken(CUT)
            self._reader.read(chunk, body, out, whole=True)
        except UpstreamBroken as error:
            self._reader.fail(error, out)
        return out
