"""Opened: a target that answered, as pieces of the client's bytes.

Passthrough, translation and runs of events are one to the relay.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping

from ..dialect import Decoder, Encoder, Tap
from ..errors import GatewayError
from ..events import BlockDelta, Event, Failed, Finished, Started
from ..provider import Reply
from ..usage import Usage
from .exchange import Attempt


class Opened(ABC):
    """convert: reads along and knows usage and end. streamed: pieces go out as they come, else all at once."""

    def __init__(
        self,
        attempt: Attempt,
        convert: Tap,
        status: int,
        content_type: str,
        streamed: bool,
        headers: Mapping[str, str],
    ) -> None:
        self.attempt = attempt
        self.convert = convert
        self.status = status
        self.content_type = content_type
        self.streamed = streamed
        self.headers = headers

    @property
    def translated(self) -> bool:
        return isinstance(self.convert, Translation)

    @abstractmethod
    async def piece(self) -> bytes | None:
        """The client's next bytes, b"" while there are none; None at the upstream's end. Raises UpstreamError."""

    @abstractmethod
    async def close(self) -> None:
        """End the upstream's side, finished or not. Any number of times."""


class OpenedReply(Opened):
    """An HTTP upstream's reply, through a tap or a translation."""

    def __init__(
        self,
        attempt: Attempt,
        convert: Tap,
        status: int,
        content_type: str,
        streamed: bool,
        headers: Mapping[str, str],
        reply: Reply,
    ) -> None:
        super().__init__(attempt, convert, status, content_type, streamed, headers)
        self._reply = reply

    async def piece(self) -> bytes | None:
        data = await self._reply.chunk()
        return self.convert.feed(data) if data else None

    async def close(self) -> None:
        self._reply.close()


class OpenedRun(Opened):
    """An EventProvider's run; its first event has come."""

    def __init__(
        self, attempt: Attempt, convert: Translation, streamed: bool, first: Event, run: AsyncIterator[Event]
    ) -> None:
        super().__init__(attempt, convert, 200, convert.content_type, streamed, {})
        self._translation = convert
        self._next: Event | None = first
        self._run = run

    async def piece(self) -> bytes | None:
        event = self._next or await anext(self._run, None)
        self._next = None
        return None if event is None else self._translation.encode((event,))

    async def close(self) -> None:
        aclose = getattr(self._run, "aclose", None)
        if aclose is not None:
            await aclose()


class Translation(Tap):
    """The upstream's bytes to events to the client's bytes, read along like a tap.

    reply_id, model: for upstreams that name neither. decoder: None where events come by `encode`.
    """

    def __init__(self, decoder: Decoder | None, encoder: Encoder, reply_id: str, model: str) -> None:
        self._decoder = decoder
        self._encoder = encoder
        self._reply_id = reply_id
        self._model = model
        self.content_type = encoder.content_type

    @property
    def loss(self) -> tuple[str, ...]:
        """What the reply held so far that has no place in events or in the client's dialect."""
        return (*(self._decoder.loss if self._decoder is not None else ()), *self._encoder.loss)

    def feed(self, data: bytes) -> bytes:
        assert self._decoder is not None
        return self.encode(self._decoder.feed(data))

    def encode(self, events: Iterable[Event]) -> bytes:
        return b"".join([self._event(event) for event in events])

    def fail(self, error: GatewayError) -> bytes:
        return self._encoder.fail(error)

    def finish(self) -> bytes:
        last = self.encode(self._decoder.finish()) if self._decoder is not None else b""
        if self.failed is not None or not self.complete:
            return last
        return last + self._encoder.finish()

    def _event(self, event: Event) -> bytes:
        match event:
            case BlockDelta():
                self.output_bytes += len(event.text)
            case Failed():
                self.failed = event.error
                return b""
            case Usage():
                self.usage = event
            case Started():
                self.response_id, self.model = event.id, event.model
                event.id, event.model = event.id or self._reply_id, event.model or self._model
                event.created = event.created or int(time.time())
            case Finished():
                self.complete = True
                event.at = event.at or int(time.time())
        return self._encoder.encode(event)
