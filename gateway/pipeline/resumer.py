"""Resumer: streams that go on when their client's connection is lost, and that it takes up again by their numbers.

A call asks for it by the header `X-Gateway-Resumable: true`, or the operator by `gateway.streams.resumable: always`.
Such an exchange is a detached one, with one record and one bill: its client's connection is only one that listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ..errors import GatewayError
from ..settings.core import StreamSettings
from ..streams import KeptStream, Owner, RunStatus, Streams
from ..tasks import ended
from .detached import Detached, Going
from .journal import FrameWriter
from .keep import Finish
from .resumable import MEDIA, ResumableSink
from .sink import ClientGone, Sink

if TYPE_CHECKING:
    from .exchange import Exchange

ASK = "x-gateway-resumable"
YES = ("true", "1", "yes")
LONGEST = 86_400.0
"""Seconds for which a stream may run and be followed."""
BEAT = 5.0
"""Seconds between two words of a run that says nothing."""
TRIES = 4
"""Of writing what it came to."""


class Resumer:
    """now: epoch seconds. window: seconds for which it goes on with nobody there, and can be read after its end."""

    def __init__(
        self,
        streams: Streams,
        settings: StreamSettings,
        detached: Detached,
        now: Callable[[], float],
        log: logging.Logger,
    ) -> None:
        self.streams = streams
        self.window = settings.window
        self.now = now
        self.log = log
        self._always = settings.resumable == "always"
        self._detached = detached

    def concerns(self, exchange: Exchange) -> bool:
        """Streams of events, over HTTP. What says `store: false` has to ask for it itself."""
        envelope, inbound = exchange.envelope, exchange.inbound
        if not envelope.stream or envelope.background or envelope.framing != "sse":
            return False
        if exchange.memory is not None or inbound.operation.kind != "generate":
            return False
        asked = inbound.headers.get(ASK)
        if asked is not None:
            return asked.strip().lower() in YES
        return self._always and envelope.store is not False

    async def carry(
        self,
        exchange: Exchange,
        sink: Sink,
        through: Callable[[Sink], Sink],
        finish: Finish,
    ) -> None:
        """To its settled record, whether or not the client stays. through: what writes on to the sink it is given. One
        that leaves before its stream has begun ends it, as it ends any other.
        """
        carried = Carried(self, sink, _stream_of(exchange, self.now()))

        async def work() -> None:
            with contextlib.suppress(ClientGone):  # while it was told of what was refused
                await finish(exchange, through(carried.sink))

        exchange.detached = True
        await carried.through(self._detached, work())


class Carried:
    """One such stream, and what goes on beside it."""

    def __init__(self, resumer: Resumer, sink: Sink, stream: KeptStream) -> None:
        self._resumer = resumer
        self._stream = stream
        self._over = asyncio.Event()
        self._going: Going | None = None
        self._beside: list[asyncio.Task[None]] = []
        self._writer = FrameWriter(resumer.streams, stream.id, resumer.now, resumer.log)
        self.sink = ResumableSink(sink, resumer.streams, stream, self._writer, self._opened)

    async def through(self, detached: Detached, work: Coroutine[Any, Any, None]) -> None:
        """For as long as the client is there."""
        self._going = detached.start(work, self._last_words)
        try:
            await asyncio.wait([self._going.work])
        except asyncio.CancelledError:
            if self.sink.resumable:
                self.sink.lost.set()
            else:
                await ended(self._going.work)
            raise

    def _opened(self) -> None:
        self._beside = [asyncio.create_task(self._write()), asyncio.create_task(self._listen())]

    async def _write(self) -> None:
        if not await self._writer.keep_up(self._over, BEAT) and self._going is not None:
            self._going.end()

    async def _listen(self) -> None:
        """Once the client is lost: ends what nobody has listened to for as long as the window."""
        await self.sink.lost.wait()
        resumer, stream = self._resumer, self._stream
        heard = resumer.now()
        while resumer.now() - heard <= resumer.window:
            await asyncio.sleep(min(1.0, resumer.window / 4))
            with contextlib.suppress(GatewayError):
                found = await resumer.streams.get(stream.owner, stream.id, resumer.now())
                heard = max(heard, found.heard if found is not None else 0.0)
        resumer.log.info("the stream %s is ended: nobody has listened for %.0f s", stream.id, resumer.window)
        if self._going is not None:
            self._going.end()

    async def _last_words(self, is_cut: bool) -> None:
        """What is left to say, and what it came to."""
        self._over.set()
        if not self.sink.is_known:
            return
        if self._beside:
            writing, listening = self._beside
            await ended(listening)
            await writing
        status: RunStatus = "completed" if self.sink.ended_well and self.sink.resumable else "failed"
        for again in range(TRIES):
            try:
                if self._writer.waits:
                    await self._writer.flush()
                await self._resumer.streams.end(self._stream.id, status, self._resumer.now() + self._resumer.window)
                return
            except GatewayError as error:
                self._resumer.log.warning("what %s came to cannot be written: %s", self._stream.id, error.public)
                await asyncio.sleep(again)


def _stream_of(exchange: Exchange, now: float) -> KeptStream:
    route = exchange.route
    assert route is not None
    return KeptStream(
        id=exchange.id,
        owner=Owner.of(exchange.principal),
        model=exchange.envelope.model or route.name,
        agent=route.agent,
        endpoint=route.targets[0].endpoint,
        media=MEDIA,
        created=now,
        expires=now + LONGEST,
        beat=now,
        heard=now,
    )
