"""ResumableSink: a stream that its client may take up again. Its events are numbered (`id:`), and go into the store."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping

from .. import sse
from ..errors import GatewayError
from ..streams import KeptStream, Streams
from .journal import FrameWriter
from .sink import ClientGone, Sink

TOLD = "X-Gateway-Resume"
"""The header that says where a stream is taken up again."""
PATH = "/v1/streams/"
"""Below which it is, by its exchange's id."""
MEDIA = "text/event-stream"
_OWN_ID = re.compile(rb"(?m)^id:[^\r\n]*(?:\r\n|\n|\r)")


class ResumableSink(Sink):
    """Writes on to the client for as long as that is there, and numbered into the store.

    opened: called once it is sure that it can be taken up again. is_known: whether the store may know it. resumable:
    whether it can. lost: set once the client is gone. ended_well: whether all was said.
    """

    def __init__(
        self, sink: Sink, streams: Streams, stream: KeptStream, writer: FrameWriter, opened: Callable[[], None]
    ) -> None:
        self._sink = sink
        self._streams = streams
        self._stream = stream
        self._opened = opened
        self._next = 0
        self.writer = writer
        self.is_known = self.resumable = False
        self.lost = asyncio.Event()
        self.ended_well = False

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.began = True
        await self._sink.whole(status, headers, body)

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        if headers.get("Content-Type", "").startswith(MEDIA):
            self.resumable = await self._open()
        if self.resumable:
            headers = {**headers, TOLD: PATH + self._stream.id}
            self._opened()
        self.began = True
        with self._unless_gone():
            await self._sink.begin(status, headers)

    def put(self, data: bytes) -> bool:
        if self.resumable:
            data = self._numbered(data)
        if not self.lost.is_set():
            with self._unless_gone():
                return self._sink.put(data) and not self.writer.full
        return not self.writer.full

    async def room(self) -> None:
        if not self.lost.is_set():
            with self._unless_gone():
                await self._sink.room()
        if self.writer.full:
            await self._make_room()

    async def end(self) -> None:
        self.ended_well = True
        if not self.lost.is_set():
            with self._unless_gone():
                await self._sink.end()

    def abort(self) -> None:
        if not self.lost.is_set():
            self._sink.abort()

    async def _open(self) -> bool:
        """Before the client is told. While the store is away it is a stream like any other."""
        self.is_known = True
        try:
            return await self._streams.put(self._stream)
        except GatewayError:
            return False

    async def _make_room(self) -> None:
        """With a client, the reply is worth more than that it can be taken up again."""
        try:
            await self.writer.flush()
        except GatewayError as error:
            if self.lost.is_set():
                raise ClientGone("nobody reads it, and it cannot be kept") from error
            self.resumable = False
            self.writer.drop()

    def _numbered(self, data: bytes) -> bytes:
        told = []
        for event in sse.events(data):
            if sse.data(event):
                ends = b"\r\n" if event.endswith(b"\r\n") else b"\n"
                event = b"id: %d%b" % (self._next, ends) + _without_id(event)
                self.writer.add(self._next, event)
                self._next += 1
            told.append(event)
        return b"".join(told)

    @contextlib.contextmanager
    def _unless_gone(self) -> Iterator[None]:
        try:
            yield
        except ClientGone:
            if not self.resumable:
                raise
            self.lost.set()


def _without_id(event: bytes) -> bytes:
    """An upstream's own numbers would be taken for ours."""
    event = event.removeprefix(sse.BOM)
    return _OWN_ID.sub(b"", event) if b"id:" in event else event
