"""The messages of an event stream, one after the other, none larger than allowed."""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from gateway import Reply, sse

from .failures import Lost


class ServerEvent(Struct, frozen=True):
    """name: `message` where the stream gives none."""

    name: str
    data: bytes


class Events:
    """identity: of the last event that had one, to go on behind it. retry: seconds to wait before that."""

    def __init__(self, reply: Reply, largest: int) -> None:
        self._reply = reply
        self._splitter = sse.Splitter(largest)
        self._ready: deque[ServerEvent] = deque()
        self.identity = ""
        self.retry = 1.0

    async def next(self) -> ServerEvent | None:
        """None at the end. Raises UpstreamError, also where an event is too large."""
        while not self._ready:
            chunk = await self._reply.chunk()
            for block in sse.events(self._splitter.whole(chunk) if chunk else self._splitter.rest()):
                self._take(block)
            if not chunk:
                break
        return self._ready.popleft() if self._ready else None

    def _take(self, block: bytes) -> None:
        data = sse.data(block)
        self._note(block)
        if data:
            self._ready.append(ServerEvent((sse.named(block) or b"message").decode("utf-8", "replace"), data))

    def _note(self, block: bytes) -> None:
        if b"id:" not in block and b"retry:" not in block:
            return
        for line in block.splitlines():
            name, _, value = line.partition(b":")
            if name == b"id" and len(value) < 1024 and value.isascii():
                self.identity = value.decode("ascii").strip()
            elif name == b"retry" and value.strip().isdigit() and len(value) < 10:
                self.retry = int(value) / 1000


def too_many(count: int) -> None:
    """Raises Lost. A stream that tells and tells and does not answer is given up."""
    if count > MOST_ASIDE:
        raise Lost(f"the server sent {MOST_ASIDE} messages without answering")


MOST_ASIDE = 100_000
