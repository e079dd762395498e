"""One connection to an upstream, on the HTTP library's own parser: a request at a time, timeouts by one lazy timer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import ClassVar

from aiohttp import ClientPayloadError
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpResponseParser, RawResponseMessage
from aiohttp.streams import StreamReader

from ..errors import UpstreamBroken, UpstreamError, UpstreamTimeout
from ..provider import Rest, Take, Timeouts
from .framing import is_plain, stays_open

READ_LIMIT = 2**16
"""Bytes that may wait for a slow client before the upstream is not read any more (twice of it at most)."""
ONE_WRITE = 2**15
"""Bytes up to which head and body are joined; larger bodies are not copied for it."""
SILENT = "The {} closed the connection without an answer."
NO_HTTP = "The {} does not speak HTTP as it should."
UNASKED = "The {} sent what it was not asked for."
LOST = "The connection to the {} was lost in the middle of its reply."
LATE = "The {} did not answer within {:g} s."
STALLED = "The {} went silent in the middle of its reply."


class Connection(BaseProtocol):
    """usable: open, and nothing of an earlier reply is left on it.

    bodies: whether replies have them; one to HEAD has not, whatever it says, and its connection is used once.
    who, code: the far end, as errors name it.
    """

    who: ClassVar[str] = "upstream"
    code: ClassVar[str | None] = None

    __slots__ = (
        "_answered",
        "_asked",
        "_head",
        "_last",
        "_limits",
        "_opening",
        "_patience",
        "_payload",
        "_poured",
        "_spent",
        "_take",
        "_timer",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, bodies: bool = True) -> None:
        super().__init__(loop)
        self._parser = HttpResponseParser(
            self,
            loop,
            READ_LIMIT,
            payload_exception=self._unreadable,  # type: ignore[arg-type]  # it is only called
            max_line_size=32768,
            max_field_size=32768,
            max_headers=256,
            response_with_body=bodies,
            read_until_eof=True,
            auto_decompress=True,
        )
        self._head: asyncio.Future[RawResponseMessage | None] | None = None
        self._payload: StreamReader | None = None
        self._take: Take | None = None
        self._poured: asyncio.Future[bool]
        self._answered = False
        self._asked = False
        self._opening: list[bytes] = []
        self._spent = not bodies
        self._limits = Timeouts()
        self._patience = 0.0
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def usable(self) -> bool:
        return self.transport is not None and not self._spent and not self.transport.is_closing()

    @property
    def idle(self) -> float:
        """Seconds since anything came."""
        return self._loop.time() - self._last

    @property
    def payload(self) -> StreamReader:
        assert self._payload is not None
        return self._payload

    async def ask(self, opening: bytes, body: bytes, limits: Timeouts) -> RawResponseMessage | None:
        """Send; the answer's status and headers. None where the connection ended before any byte of one: a pooled one
        was stale, and a fresh one may be tried.
        """
        transport = self.transport
        if transport is None:
            return None
        head = self._begin(limits)
        self._wait(limits.first_byte)
        if len(body) < ONE_WRITE:
            transport.write(opening + body)
        else:
            transport.write(opening)
            transport.write(body)
        try:
            return await head
        except BaseException:
            self.abort()
            raise

    async def upload(self, opening: bytes, body: bytes, rest: Rest, limits: Timeouts) -> RawResponseMessage | None:
        """The same for a body that is still arriving, no faster than the upstream takes it. A refusal ends it."""
        head = self._begin(limits)
        try:
            if await self._send(opening, body, rest):
                self._wait(limits.idle if head.done() else limits.first_byte)
            else:
                self._spent = True
            return await head
        except BaseException:
            self.abort()
            raise

    async def pour(self, take: Take) -> bool:
        """As `Reply.pour`."""
        self._poured = self._loop.create_future()
        self._take = take
        try:
            self._hand_over()
            return await self._poured
        finally:
            self._take = None

    def broken(self, words: str) -> UpstreamBroken:
        """words: one of those above."""
        return UpstreamBroken(words.format(self.who), code=self.code)

    def rest(self) -> bool:
        """The reply was read to its end: nothing is waited for until the next request. Whether there may be one."""
        self._patience = 0.0
        self._asked = False
        if self.usable and not self._unsent and not self._has_more:
            return True
        self._spent = True
        return False

    @property
    def _unsent(self) -> bool:
        """The answer came early, and what is left of its request may never be read."""
        return self.transport is not None and self.transport.get_write_buffer_size() > 0

    @property
    def _has_more(self) -> bool:
        """Whether something stood behind the reply, which would be the beginning of the next one: the parser does not
        tell, but lines without a word leave it where it was only if it was between two replies.
        """
        assert self._parser is not None
        try:
            messages, _, _ = self._parser.feed_data(b"\r\n\r\n")
        except (HttpProcessingError, ValueError):
            return True
        return bool(messages)

    def abort(self) -> None:
        self._spent = True
        self._patience = 0.0
        if self.transport is not None:
            self.transport.abort()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Asked after every read, and it looks through nothing again; mostly nothing was paused."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def data_received(self, data: bytes) -> None:
        if data:
            if not self._asked:
                self._fail(self.broken(UNASKED))
                return
            self._answered = True
            self._last = self._loop.time()
        assert self._parser is not None
        try:
            messages, _, _ = self._parser.feed_data(data)
        except (HttpProcessingError, ClientPayloadError, ValueError) as error:
            self._fail(self.broken(NO_HTTP), error)
            return
        if messages:
            self._read(messages, b"".join((*self._opening, data)) if self._opening else data)
        elif self._head is not None and not self._head.done():
            self._opening.append(data)
        if self._take is not None:
            self._hand_over()

    def _read(self, messages: Sequence[tuple[RawResponseMessage, StreamReader]], opening: bytes) -> None:
        """opening: what came since the request."""
        self._opening.clear()
        for message, payload in messages:
            if self._head is None or self._head.done() or message.code == 101:
                self._fail(self.broken(UNASKED))
                return
            if not is_plain(message, opening):
                self._fail(self.broken(NO_HTTP))
                return
            if message.code < 200:
                opening = opening[opening.find(b"\n\r\n") + 3 :]
                continue
            self._spent = self._spent or not stays_open(message)
            self._payload = payload
            self._patience = self._limits.idle
            self._head.set_result(message)

    def connection_lost(self, exc: BaseException | None) -> None:
        ended = exc is None and self._said_end()
        super().connection_lost(exc)
        self._spent = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if ended:
            self._end()
        if self._head is not None and not self._head.done() and not self._answered:
            self._head.set_result(None)
        self._fail(self.broken(LOST), exc)

    def _said_end(self) -> bool:
        """Over TLS the far end says so, since anybody on the way can end a connection (RFC 9112, 9.8)."""
        tls = self.transport.get_extra_info("ssl_object") if self.transport is not None else None
        try:
            return tls is None or not tls.read(1)
        except ssl.SSLError as error:
            return isinstance(error, ssl.SSLZeroReturnError)

    def _end(self) -> None:
        """Which is that of a reply, too, where neither a length nor chunks tell of one."""
        assert self._parser is not None
        try:
            self._parser.feed_eof()
        except (HttpProcessingError, ClientPayloadError) as error:
            self._fail(self.broken(LOST), error)

    def _hand_over(self) -> None:
        """What has come, to who takes it; its end, and what goes wrong, to who waits for that."""
        payload, poured = self.payload, self._poured
        take, self._take = self._take, None  # reading makes room, and what waited for it comes in the midst of it
        if take is None or poured.done():
            return
        try:
            wanted = paused = True
            while wanted and paused:
                paused = self._reading_paused
                data = payload.read_nowait(-1)
                wanted = not data or take(data)
        except BaseException as error:
            poured.set_exception(error)
            return
        if not wanted or payload.at_eof():
            poured.set_result(not payload.at_eof())
        elif (lost := payload.exception()) is not None:
            poured.set_exception(lost)
        else:
            self._take = take

    def _begin(self, limits: Timeouts) -> asyncio.Future[RawResponseMessage | None]:
        head = self._head = self._loop.create_future()
        self._payload = None
        self._answered = False
        self._asked = True
        self._limits = limits
        return head

    async def _send(self, opening: bytes, body: bytes, rest: Rest) -> bool:
        """Whether all of it was wanted."""
        chunked = rest.length is None
        self._write(opening)
        await self._pass_on(body, chunked)
        async for piece in rest.pieces:
            if self._refused():
                return False
            await self._pass_on(piece, chunked)
        if chunked:
            self._write(b"0\r\n\r\n")
        return True

    def _write(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    async def _pass_on(self, piece: bytes, chunked: bool) -> None:
        """Nothing at all would be the last chunk. The upstream's patience runs only while it does not read."""
        if not piece:
            return
        self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if not self._paused or self.transport is None:
            return
        self._wait(self._limits.idle)
        try:
            await self._drain_helper()
        except ConnectionError:
            return  # the head knows
        self._patience = 0.0

    def _refused(self) -> bool:
        """Whether an answer came before the whole request, and does not want the rest of it."""
        assert self._head is not None
        if not self._head.done():
            return False
        message = None if self._head.exception() is not None else self._head.result()
        return message is None or message.code >= 300

    def _fail(self, error: UpstreamError, cause: BaseException | None = None) -> None:
        """Whoever waits, for the head or for more of the body, gets the error; the connection is not used again."""
        self._spent = True
        error.__cause__ = cause
        if self._head is not None and not self._head.done():
            self._head.set_exception(error)
        elif self._payload is not None and not self._payload.is_eof() and self._payload.exception() is None:
            self._payload.set_exception(error)
        if self._take is not None:
            self._hand_over()
        if self.transport is not None:
            self.transport.abort()

    def _unreadable(self, words: str) -> UpstreamBroken:
        """For a body that the parser cannot read; its words may quote what came."""
        return self.broken(LOST)

    def _wait(self, seconds: float) -> None:
        self._patience = seconds
        self._last = self._loop.time()
        if self._timer is None:
            self._arm(seconds)

    def _arm(self, seconds: float) -> None:
        """Never longer than the shortest patience, which may come to count in the meantime."""
        self._timer = self._loop.call_later(min(seconds, self._limits.first_byte, self._limits.idle), self._check)

    def _check(self) -> None:
        """Armed once and moved on as bytes come, so a read costs no timer; a pause of ours is not the upstream's."""
        self._timer = None
        if not self._patience:
            return
        if self._reading_paused:
            self._last = self._loop.time()
        left = self._last + self._patience - self._loop.time()
        if left > 0:
            self._arm(left)
        elif self._payload is None:
            self._fail(UpstreamTimeout(LATE.format(self.who, self._patience), code=self.code))
        else:
            self._fail(UpstreamTimeout(STALLED.format(self.who), code=self.code))
