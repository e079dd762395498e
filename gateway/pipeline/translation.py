"""Translation: an upstream's reply in the client's dialect, piece by piece; read along like a tap."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import ClassVar

from ..call import Audio
from ..carrier import tag_id
from ..dialect import Decoder, Encoder, Tap
from ..errors import GatewayError
from ..events import BlockDelta, BlockStart, Event, Failed, Finished, Idle, Started
from ..provider import Target
from ..usage import Usage
from .resolve import Route


class Translation(Tap):
    """The upstream's bytes to events to the client's bytes.

    reply_id, model: for upstreams that name neither. named: what the reply is called in any case, where that is said.
    decoder: None where events come by `encode`.
    """

    translates: ClassVar[bool] = True

    def __init__(self, decoder: Decoder | None, encoder: Encoder, reply_id: str, model: str, named: str = "") -> None:
        self._decoder = decoder
        self._encoder = encoder
        self._reply_id = reply_id
        self._model = model
        self._named = named
        self.content_type = encoder.content_type

    @property
    def loss(self) -> tuple[str, ...]:
        """What the reply held so far that has no place in events or in the client's dialect."""
        return (*(self._decoder.loss if self._decoder is not None else ()), *self._encoder.loss)

    def feed(self, data: bytes) -> bytes:
        assert self._decoder is not None
        return self.encode(self._decoder.feed(data))

    def encode(self, events: Iterable[Event | Idle]) -> bytes:
        return b"".join([self._event(event) for event in events])

    def fail(self, error: GatewayError) -> bytes:
        return self._encoder.fail(error)

    def finish(self) -> bytes:
        last = self.encode(self._decoder.finish()) if self._decoder is not None else b""
        if self.failed is not None or not self.complete:
            return last
        return last + self._encoder.finish()

    def _event(self, event: Event | Idle) -> bytes:
        match event:
            case Idle():
                return self._encoder.idle()
            case BlockDelta():
                text = event.text
                self.output_bytes += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
            case Failed():
                self.failed = event.error
                return b""
            case Usage():
                self.usage = event
            case Started():
                self.response_id, self.model = event.id, event.model
                event.id, event.model = self._named or event.id or self._reply_id, event.model or self._model
                event.created = event.created or int(time.time())
            case Finished():
                self.complete = True
                event.at = event.at or int(time.time())
        return self._encoder.encode(event)


class Tagging(Translation):
    """The same on a route of several makers of state: ids that a client may send back say whose they are.

    `response_id` stays the upstream's own.
    """

    def __init__(self, decoder: Decoder | None, encoder: Encoder, reply_id: str, model: str, domain: str) -> None:
        super().__init__(decoder, encoder, reply_id, model)
        self._domain = domain

    def _event(self, event: Event | Idle) -> bytes:
        if isinstance(event, Started) and event.id:
            own, event.id = event.id, tag_id(event.id, self._domain)
            said = super()._event(event)
            self.response_id = own
            return said
        if isinstance(event, BlockStart) and isinstance(event.block, Audio) and event.block.id:
            event.block.id = tag_id(event.block.id, self._domain)
        return super()._event(event)


def translation_of(
    route: Route, target: Target, decoder: Decoder | None, encoder: Encoder, reply_id: str, named: str = ""
) -> Translation:
    if route.domains > 1 and not named:
        return Tagging(decoder, encoder, reply_id, target.model, target.state_domain)
    return Translation(decoder, encoder, reply_id, target.model, named)
