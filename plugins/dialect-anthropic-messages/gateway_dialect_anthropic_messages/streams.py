"""Events to server-sent events. Source: Anthropic, "Streaming messages".

Blocks go out one after the other; what comes for a later one while another is open waits for its turn. A block of text
or thoughts begins with its first words, so that there is none without any, which the vendor would refuse to take back.
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

from . import refusals, shown, usages
from .names import NAME
from .pieces import Piece, Writer, piece

_PING = b'event: ping\ndata: {"type": "ping"}\n\n'
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


class StreamEncoder(Encoder):
    """gathers: whether the client puts together the input of tools that are not its own."""

    content_type = "text/event-stream"

    def __init__(self, call: Call, gathers: bool = False) -> None:
        self._loss = Loss()
        self.loss = self._loss.paths
        self._model = call.model
        self._writer = Writer(self._loss, gathers)
        self._started: Started | None = None
        self._usage: Usage | None = None
        self._open: Piece | None = None
        self._at = -1
        self._waiting: dict[int, list[BlockStart | BlockDelta | BlockStop]] = {}
        self._finished = Finished()
        self._over = False

    def encode(self, event: Event) -> bytes:
        if type(event) is BlockDelta:
            if event.index == self._at and event.choice == 0 and self._open is not None:
                return self._open.more(event)
            return self._block(event)
        match event:
            case BlockStart() | BlockStop():
                return self._begin() + self._block(event)
            case Started():
                self._started = event
                self._loss.own = event.dialect == NAME
            case Usage():
                self._usage = event
                return self._begin()
            case Finished():
                return self._begin() + self._finish(event)
            case Failed():
                return self.fail(event.error)
        return b""

    def idle(self) -> bytes:
        return self._begin() + _PING

    def fail(self, error: GatewayError) -> bytes:
        """Without `message_stop`: the reply is not whole."""
        self._over = True
        return refusals.told(error)

    def finish(self) -> bytes:
        if self._over:
            return b""
        out = self._begin() + self._close()
        while self._waiting:
            out += self._next() + self._close()
        return out + self._ending() + _STOP

    def _begin(self) -> bytes:
        """The message's start, put off by one event: where that is usage, its input stands in it."""
        started, self._started = self._started, None
        if started is None:
            return b""
        usage = usages.written(self._usage, begun=True)
        body = {"type": "message_start", "message": shown.message(started, self._model, usage, self._loss)}
        return b"event: message_start\ndata: %b\n\n" % jsontext.line(body)

    def _block(self, event: BlockStart | BlockDelta | BlockStop) -> bytes:
        if event.choice:
            self._loss.add("choices")
            return b""
        if self._open is None and isinstance(event, BlockStart):
            return self._start(event)
        if event.index != self._at:
            self._waiting.setdefault(event.index, []).append(event)
            return b""
        if isinstance(event, BlockStop):
            out = self._close()
            while self._waiting and self._open is None:
                out += self._next()
            return out
        return b""

    def _start(self, start: BlockStart) -> bytes:
        self._at = start.index
        self._open = piece(start.block, self._writer)
        return self._open.start()

    def _close(self) -> bytes:
        closing, self._open, self._at = self._open, None, -1
        return closing.stop() if closing is not None else b""

    def _next(self) -> bytes:
        """What has come for the block whose turn it is."""
        index = next(iter(self._waiting))
        out = b""
        for event in self._waiting.pop(index):
            if isinstance(event, BlockStart):
                out += self._start(event)
            elif isinstance(event, BlockStop):
                out += self._close()
            elif self._open is not None:
                out += self._open.more(event)
        return out

    def _finish(self, finished: Finished) -> bytes:
        if finished.choice:
            self._loss.add("choices")
        else:
            self._finished = finished
        return b""

    def _ending(self) -> bytes:
        """Usage may come behind a choice's end, so both are told at the reply's."""
        finished = self._finished
        extra = dict(self._loss.keep(finished.extra, ""))
        counts = jsontext.merged(usages.written(self._usage), jsontext.members(extra.pop("usage", jsontext.NULL)))
        delta = shown.ending(finished, self._loss.own, self._writer.refused, self._writer.called)
        late = {name: extra.pop(name) for name in shown.OF_DELTA if name in extra}
        body: Members = {"type": "message_delta", "delta": {**delta, **late}, "usage": counts, **extra}
        return b"event: message_delta\ndata: %b\n\n" % jsontext.line(body)
