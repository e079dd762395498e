"""Toy: the smallest whole dialect, both halves, for tests of the core and of this kit.

    {"model": "m", "text": "Hi", "stream": false}
    {"id": "r", "model": "m", "text": "Hello", "usage": {"read": 9, "cached": 4, "wrote": 2}}

Streamed, `data: {"text": "He"}` a piece, then the usage, then `data: {"end": "stop"}`; an error is
`data: {"error": {"code": …, "text": …}}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Raw

from gateway import (
    BadCall,
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    ClientDialect,
    Decoder,
    Edit,
    Encoded,
    Encoder,
    Envelope,
    Event,
    Failed,
    Finished,
    Framing,
    GatewayError,
    Inbound,
    Message,
    Model,
    Operation,
    ServerDialect,
    Started,
    Tap,
    Target,
    Text,
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
    Usage,
    sse,
)

NAME = "toy"


class Asked(msgspec.Struct):
    text: str
    model: str | None = None
    stream: bool = False


class Counts(msgspec.Struct):
    """read: cached ones included."""

    read: int = 0
    cached: int = 0
    wrote: int = 0

    def usage(self) -> Usage:
        return Usage(input=self.read - self.cached, cache_read=self.cached, output=self.wrote)

    @classmethod
    def of(cls, usage: Usage) -> Counts:
        return cls(usage.prompt, usage.cache_read or 0, usage.output or 0)


class Wrong(msgspec.Struct):
    code: str
    text: str


class Piece(msgspec.Struct, omit_defaults=True):
    """An unstreamed reply, or one event of a streamed one."""

    id: str | None = None
    model: str | None = None
    text: str | None = None
    usage: Counts | None = None
    end: str | None = None
    error: Wrong | None = None


_asked = msgspec.json.Decoder(Asked)
_piece = msgspec.json.Decoder(Piece)
_members = msgspec.json.Decoder(dict[str, Raw])
_encode = msgspec.json.encode


class ToyServer(ServerDialect):
    name = NAME
    operations = (
        Operation("generate", "POST", "/toy"),
        Operation("models", "GET", "/toys"),
        Operation("models", "GET", "/toys/{id}"),
    )

    def peek(self, inbound: Inbound) -> Envelope:
        asked = _read(inbound)
        return Envelope(asked.model, asked.stream)

    def decode(self, inbound: Inbound) -> Call:
        asked = _read(inbound)
        messages = [Message("user", [Text(asked.text)])]
        return Call(asked.model or "", messages, stream=asked.stream, stream_usage=True, dialect=self.name)

    def encoder(self, call: Call, inbound: Inbound, framing: Framing) -> Encoder:
        return ToyStream() if framing == "sse" else ToyJson()

    def encode_error(self, error: GatewayError, inbound: Inbound) -> bytes:
        return _encode({"error": Wrong(error.code or error.kind, error.public)})

    def encode_models(self, models: Sequence[Model], inbound: Inbound) -> bytes:
        return _encode([model.id for model in models])


class ToyClient(ClientDialect):
    name = NAME

    def encode(self, call: Call, target: Target) -> Encoded:
        texts = [block.text for message in call.messages for block in message.blocks if isinstance(block, Text)]
        loss = tuple(f"tools[{index}]" for index, _ in enumerate(call.tools))
        return Encoded("/toy", _encode(Asked(" ".join(texts), target.model, call.stream)), loss=loss)

    def edit(self, inbound: Inbound, edit: Edit, target: Target) -> Encoded:
        members = {**_members.decode(inbound.body), "model": Raw(_encode(edit.model)), **edit.set, **target.set}
        drop = edit.drop | target.drop
        return Encoded("/toy", _encode({name: raw for name, raw in members.items() if name not in drop}))

    def decoder(self, target: Target, stream: bool) -> Decoder:
        return ToyDecoder(stream)

    def tap(self, target: Target, stream: bool, encoded: Encoded, inbound: Inbound) -> Tap:
        return ToyTap(stream)

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
        wrong = _wrong(body)
        wait = headers.get("retry-after", "")
        return UpstreamRefused(
            wrong.text,
            status,
            body=body,
            content_type="application/json",
            code=wrong.code,
            retry_after=float(wait) if wait.isdecimal() else None,
        )


class ToyEncoder(Encoder):
    """Only text has a place; every other block is named as loss."""

    def __init__(self) -> None:
        self.loss: list[str] = []
        self._texts: set[tuple[int, int]] = set()

    def said(self, event: Event) -> str:
        """The text of an event, "" where it has none."""
        if isinstance(event, BlockStart) and isinstance(event.block, Text):
            self._texts.add((event.choice, event.index))
            return event.block.text
        if isinstance(event, BlockStart):
            self.loss.append(type(event.block).__name__)
        of_text = isinstance(event, BlockDelta) and (event.choice, event.index) in self._texts
        return event.text if isinstance(event, BlockDelta) and of_text else ""


class ToyStream(ToyEncoder):
    content_type = "text/event-stream"

    def encode(self, event: Event) -> bytes:
        if text := self.said(event):
            return _framed(Piece(text=text))
        if isinstance(event, Usage):
            return _framed(Piece(usage=Counts.of(event)))
        return _framed(Piece(end=event.reason)) if isinstance(event, Finished) else b""

    def idle(self) -> bytes:
        return b": idle\n\n"

    def fail(self, error: GatewayError) -> bytes:
        return _framed(Piece(error=Wrong(error.code or error.kind, error.public)))

    def finish(self) -> bytes:
        return b""


class ToyJson(ToyEncoder):
    content_type = "application/json"

    def __init__(self) -> None:
        super().__init__()
        self._reply = Piece(text="")

    def encode(self, event: Event) -> bytes:
        if isinstance(event, Started):
            self._reply.id, self._reply.model = event.id, event.model
        elif isinstance(event, Usage):
            self._reply.usage = Counts.of(event)
        self._reply.text = (self._reply.text or "") + self.said(event)
        return b""

    def fail(self, error: GatewayError) -> bytes:
        return _encode({"error": Wrong(error.code or error.kind, error.public)})

    def finish(self) -> bytes:
        return _encode(self._reply)


class ToyDecoder(Decoder):
    def __init__(self, stream: bool) -> None:
        self._stream = stream
        self._held = b""
        self._splitter = sse.Splitter()
        self._open = self._ended = False

    def feed(self, data: bytes) -> Iterable[Event]:
        if not self._stream:
            self._held += data
            return
        for event in sse.events(self._splitter.whole(data)):
            yield from self._read(event)

    def finish(self) -> Iterable[Event]:
        for event in sse.events(self._splitter.rest()):
            yield from self._read(event)
        if self._held:
            yield from self._whole()
        if not self._ended:
            yield Failed(UpstreamBroken("The upstream's reply was cut."))

    def _read(self, event: bytes) -> Iterable[Event]:
        payload = sse.data(event)
        if not payload or self._ended:
            return
        try:
            yield from self._piece(_piece.decode(payload))
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._ended = True
            yield Failed(UpstreamBroken("The upstream sent no JSON."))

    def _piece(self, piece: Piece) -> Iterable[Event]:
        if not self._open:
            self._open = True
            yield Started(piece.id, piece.model)
            yield BlockStart(0, 0, Text())
        if piece.text:
            yield BlockDelta(0, 0, piece.text)
        if piece.usage:
            yield piece.usage.usage()
        if piece.error:
            self._ended = True
            yield Failed(UpstreamError(piece.error.text, code=piece.error.code))
        elif piece.end:
            self._ended = True
            yield from (BlockStop(0, 0), Finished())

    def _whole(self) -> Iterable[Event]:
        try:
            piece = _piece.decode(self._held)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        yield from self._piece(msgspec.structs.replace(piece, end="stop"))


class ToyTap(Tap):
    def __init__(self, stream: bool) -> None:
        self._stream = stream
        self._held = b""
        self._splitter = sse.Splitter()

    def feed(self, data: bytes) -> bytes:
        if not self._stream:
            self._held += data
            return data
        block = self._splitter.whole(data)
        for event in sse.events(block):
            self._look(sse.data(event))
        return block

    def fail(self, error: GatewayError) -> bytes:
        return _framed(Piece(error=Wrong(error.code or error.kind, error.public)))

    def finish(self) -> bytes:
        rest = self._splitter.rest()
        for event in sse.events(rest):
            self._look(sse.data(event))
        if self._held:
            self.complete = self._look(self._held) and not self.failed
        return rest

    def _look(self, payload: bytes) -> bool:
        """False for what is no JSON."""
        try:
            piece = _piece.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        self.usage = piece.usage.usage() if piece.usage else self.usage
        self.complete = self.complete or piece.end is not None
        self.output_bytes += len(piece.text or "")
        if piece.error:
            self.failed = UpstreamError(piece.error.text, code=piece.error.code)
        return True


def _read(inbound: Inbound) -> Asked:
    try:
        return _asked.decode(inbound.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadCall(f"The body is not what this dialect asks for: {error}") from error


def _wrong(body: bytes) -> Wrong:
    try:
        return _piece.decode(body).error or Wrong("unknown", "The upstream gave no reason.")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Wrong("unknown", "The upstream gave no reason.")


def _framed(piece: Piece) -> bytes:
    return sse.frame(_encode(piece))
