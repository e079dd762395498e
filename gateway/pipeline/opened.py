"""Opened: a target that answered, as pieces of the client's bytes.

Passthrough, translation and runs of events are one to the relay.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping

from ..dialect import Tap
from ..errors import UpstreamBroken
from ..events import Event, Idle
from ..provider import Reply, Take
from .exchange import Attempt
from .translation import Translation

REPLY_LIMIT = 2**27
"""Bytes of a reply that is held until it is whole."""


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

        self.translated = convert.translates

    @property
    def given_up(self) -> bool:
        """Whether nothing more can come of it. What passes through passes to its end, whatever it tells."""
        return self.translated and self.convert.failed is not None

    async def whole(self) -> bytes:
        """All the client's bytes, but for what `convert.finish` gives. Read piece by piece, so that of a reply that is
        cut the beginning has been read. Raises UpstreamError.
        """
        parts = []
        while not self.given_up and (piece := await self.piece()) is not None:
            parts.append(piece)
        return b"".join(parts)

    @abstractmethod
    async def piece(self) -> bytes | None:
        """The client's next bytes, b"" while there are none; None at the upstream's end. Raises UpstreamError."""

    async def pour(self, take: Take) -> bool:
        """Hands the client's next bytes to `take`, b"" while there are none, until that gives False or the upstream
        ends. Whether there may be more. Raises UpstreamError, and what `take` raises.
        """
        piece = await self.piece()
        if piece is not None:
            take(piece)
        return piece is not None

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
        self._held = 0

    async def piece(self) -> bytes | None:
        data = await self._reply.chunk()
        if not self.streamed:
            self._hold(len(data))
        return self.convert.feed(data) if data else None

    async def pour(self, take: Take) -> bool:
        feed = self.convert.feed
        return await self._reply.pour(lambda data: take(feed(data)))

    async def whole(self) -> bytes:
        data = self._reply.here()
        if data is None:
            return await super().whole()
        self._hold(len(data))
        return self.convert.feed(data)

    def _hold(self, size: int) -> None:
        self._held += size
        if self._held > REPLY_LIMIT:
            raise UpstreamBroken("The upstream's reply is too large.")

    async def close(self) -> None:
        self._reply.close()


class OpenedRun(Opened):
    """An EventProvider's run; its first event has come."""

    def __init__(
        self,
        attempt: Attempt,
        convert: Translation,
        streamed: bool,
        first: Event | Idle,
        run: AsyncIterator[Event | Idle],
    ) -> None:
        super().__init__(attempt, convert, 200, convert.content_type, streamed, {})
        self._translation = convert
        self._next: Event | Idle | None = first
        self._run = run

    async def piece(self) -> bytes | None:
        event = self._next or await anext(self._run, None)
        self._next = None
        return None if event is None else self._translation.encode((event,))

    async def close(self) -> None:
        aclose = getattr(self._run, "aclose", None)
        if aclose is not None:
            await aclose()


def note(attempt: Attempt, convert: Tap) -> None:
    """What the converter learned, for the record. What others used for it they have told by their own ends."""
    attempt.usage = attempt.usage if attempt.delegates else convert.usage
    attempt.upstream_id = convert.response_id or ""
    attempt.output_bytes = convert.output_bytes
    attempt.ended = attempt.ended or time.monotonic()
