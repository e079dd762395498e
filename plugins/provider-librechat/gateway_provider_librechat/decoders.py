"""LibreChat's replies to events, whichever of its two APIs they are of: the first event tells."""

from __future__ import annotations

from msgspec import Struct, field

from gateway import Decoder, Event, Failed, UpstreamBroken, UpstreamError, sse
from gateway.wire import jsontext
from gateway.wire.bodies import BodyDecoder
from gateway.wire.losses import Loss
from gateway.wire.shapes import Shape

from .read_chat import ChatReader
from .read_responses import ResponsesReader

CUT = "LibreChat's reply ended before it was complete."
SILENT = "LibreChat's agent failed, and LibreChat does not say of what; its log does."
"""A stream of Responses ends with `[DONE]` alone then."""


class _Outline(Struct):
    kind: str | None = field(default=None, name="object")
    type: str | None = None
    choices: object = None
    output: object = None
    error: object = None

    @property
    def of_chat(self) -> bool:
        return self.choices is not None or (self.error is not None and not self.type)

    @property
    def of_responses(self) -> bool:
        return self.kind == "response" or bool(self.type) or self.output is not None


_OUTLINE = Shape(_Outline, "a reply of LibreChat's")


class StreamDecoder(Decoder):
    """Frames of LibreChat's own stand between the chunks: `on_summarize_*` tells nothing of the reply, `attachment` a
    file that a tool made, which has no place.
    """

    def __init__(self, server: str = "") -> None:
        self._server = server
        self._loss = Loss()
        self.loss = self._loss.paths
        self._splitter = sse.Splitter()
        self._reader: ChatReader | ResponsesReader | None = None
        self._done = False
        self._failed = False

    def feed(self, data: bytes) -> list[Event]:
        out: list[Event] = []
        try:
            for event in sse.events(self._splitter.whole(data)):
                self._event(event, out)
        except UpstreamError as error:
            self._fail(error, out)
        return out

    def finish(self) -> list[Event]:
        out: list[Event] = []
        try:
            self._event(self._splitter.rest(), out)
        except UpstreamBroken as error:
            if not self._whole:
                self._fail(error, out)
        if self._failed:
            return out
        if self._reader is not None and self._whole:
            self._reader.finish(out)
        else:
            self._fail(UpstreamBroken(SILENT, code="agent_failed") if self._done else UpstreamBroken(CUT), out)
        return out

    @property
    def _whole(self) -> bool:
        return self._reader is not None and self._reader.whole

    def _event(self, event: bytes, out: list[Event]) -> None:
        payload = jsontext.sound(sse.data(event))
        if not payload or self._done or self._failed:
            return
        if payload.strip() == b"[DONE]":
            self._done = True
            return
        reader = self._of(payload, sse.named(event))
        if reader is not None:
            reader.read(payload, out)
            self._failed = reader.failed

    def _of(self, payload: bytes, name: bytes) -> ChatReader | ResponsesReader | None:
        """Who reads this event; None for a frame of LibreChat's own."""
        outline = _OUTLINE.read(payload)
        if self._reader is None and outline.of_chat:
            self._reader = ChatReader(self._loss, self._server)
        elif self._reader is None and outline.of_responses and name != b"attachment":
            self._reader = ResponsesReader(self._loss, self._server)
        if isinstance(self._reader, ChatReader) and not outline.of_chat:
            if name == b"attachment":
                self._loss.add("attachment")
            return None
        return self._reader

    def _fail(self, error: UpstreamError, out: list[Event]) -> None:
        if not self._failed:
            self._failed = True
            out.append(Failed(error))


class WholeDecoder(BodyDecoder):
    """LibreChat answers so to a call for a stream, too, where the agent's `disableStreaming` says it."""

    def __init__(self, server: str = "") -> None:
        super().__init__()
        self._server = server
        self._loss = Loss()
        self.loss = self._loss.paths

    def read(self, body: bytes) -> list[Event]:
        out: list[Event] = []
        body = jsontext.sound(body)
        reader: ChatReader | ResponsesReader
        try:
            if _OUTLINE.read(body).of_responses:
                reader = ResponsesReader(self._loss, self._server)
                reader.read_whole(body, out)
            else:
                reader = ChatReader(self._loss, self._server)
                reader.read(body, out)
        except UpstreamBroken as error:
            return [Failed(error)]
        if reader.whole:
            reader.finish(out)
        elif not reader.failed:
            out.append(Failed(UpstreamBroken(CUT)))
        return out
