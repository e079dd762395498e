"""A client's connection: the HTTP library's, with its loop over requests written anew.

The library makes a task and three objects for each request, which nothing here reads, and answers bytes that are no
HTTP in its own words, which quote them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from ..pipeline.sink import ClientGone
from .framing import is_plain
from .request import Request

log = logging.getLogger("gateway.server")
Handler = Callable[[Request], Awaitable[bool]]
"""Answers a request; whether another may follow on the connection."""
Taker = Callable[[bytes], None]
MOST_BEHIND = 2**16
"""Bytes of one read that are kept of what a client says before its upgrade is answered."""


class Server(web.Server):
    """refuse: answers bytes that are no request. gone: told of each connection that ends."""

    def __init__(self, handler: Handler, refuse: Handler, **options: Any) -> None:
        super().__init__(handler, **options)  # type: ignore[arg-type]
        self._handlers = handler, refuse
        self.gone: Callable[[], None] | None = None

    def __call__(self) -> web.RequestHandler:
        return Protocol(self, *self._handlers, loop=self._loop, **self._kwargs)

    def keep_alive(self, seconds: float) -> None:
        """Of connections that are made from now on, while they are idle."""
        self._kwargs["keepalive_timeout"] = seconds

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        if self.gone is not None:
            self.gone()


class Protocol(web.RequestHandler):
    """remote: the client's address, "" where it has none. _deaf: nothing that may still come is a request. _taker: who
    takes what comes instead; _behind: what came behind an upgrade before there was one, None where there was none.
    """

    __slots__ = ("_arriving", "_behind", "_deaf", "_handle", "_refuse", "_taker", "remote")

    def __init__(self, server: Server, handle: Handler, refuse: Handler, **options: Any) -> None:
        super().__init__(server, **options)
        self._handle = handle
        self._refuse = refuse
        self._arriving = EMPTY_PAYLOAD
        self._deaf = False
        self._taker: Taker | None = None
        self._behind: bytes | None = None
        self.remote = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = self.peername
        self.remote = str(peer[0] if isinstance(peer, tuple) else peer or "")

    def data_received(self, data: bytes) -> None:
        """The library's own lets a body whose chunks go wrong wait for its deadline, and keeps what is no request."""
        if self._taker is not None:
            self._taker(data)
            return
        if self._behind is not None:
            self._behind += data[:MOST_BEHIND]
            return
        if self._deaf or self._force_close or self._close:
            return
        assert self._parser is not None
        try:
            messages, upgraded, behind = self._parser.feed_data(data)
        except HttpProcessingError as error:
            self._deaf = True
            self._no_http(error)
            return
        if messages:
            self._arriving = messages[-1][1]
            self._queue(messages)
        if upgraded:
            self._deaf, self._behind = True, behind

    def upgrade(self, taker: Taker) -> None:
        """What comes from now on is no HTTP any more."""
        self._taker, behind, self._behind = taker, self._behind, None
        if behind:
            taker(behind)

    def _no_http(self, error: HttpProcessingError) -> None:
        if self._arriving.is_eof():
            self._queue([(error, EMPTY_PAYLOAD)])
        else:
            self._arriving.set_exception(web.RequestPayloadError(type(error).__name__))

    def _queue(self, messages: Sequence[tuple[Any, StreamReader]]) -> None:
        self._messages.extend(messages)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if len(self._messages) >= self._max_msg_queue_size and not self._buffer_paused:
            self._pause_reading_for_buffer()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Asked after every read, and it looks through nothing again; mostly nothing was paused."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    async def start(self) -> None:
        """One request after another, in the connection's own task, so context variables last as long as it."""
        try:
            while not self._force_close and await self._one():
                self._expect_another()
        except asyncio.CancelledError:
            self.force_close()
            raise
        if not self._force_close:
            self._task_handler = None
            if self.transport is not None:
                self.transport.close()

    async def _one(self) -> bool:
        """Whether another one may follow."""
        message, content = await self._next()
        if isinstance(message, RawRequestMessage) and is_plain(message):
            keep_alive = await self._answer(Request(self, message, content), self._handle)
        else:
            log.debug("no HTTP, or not of one meaning, from %s", self.remote)
            await self._answer(Request.unreadable(self), self._refuse)
            self._deaf = True
            self._messages.clear()
            keep_alive = False
        if not content.is_eof() and not self._deaf:
            keep_alive = await self._skip(content) and keep_alive
        if self._deaf and not self._messages:
            await self._linger()
            return False
        return keep_alive and not self._close

    async def _next(self) -> tuple[Any, StreamReader]:
        if not self._messages:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message = self._messages.popleft()
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()
        return message

    async def _answer(self, request: Request, handle: Handler) -> bool:
        self._request_in_progress = True
        self._current_request = request  # type: ignore[assignment]
        try:
            return await handle(request)
        except (ClientGone, ConnectionError):
            return False
        except Exception:
            log.exception("fault while a request was answered")
            return False
        finally:
            self._current_request = None
            self._request_in_progress = False
            if self._handler_waiter is not None:
                self._handler_waiter.set_result(None)

    async def _linger(self) -> None:
        """Until the client has read the answer: a close with its bytes unread is a reset, which it may see first."""
        transport = self.transport
        if transport is None or transport.is_closing() or not transport.can_write_eof():
            return
        self._resume_transport_reading()
        transport.write_eof()
        self._waiter = self._loop.create_future()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._lingering_time):
                await self._waiter

    async def _skip(self, content: StreamReader) -> bool:
        """Reads what is left of a body, which else would be taken for the next request; not for long."""
        try:
            async with asyncio.timeout(self._lingering_time):
                while not content.is_eof():
                    await content.readany()
        except (TimeoutError, ConnectionError, web.RequestPayloadError):
            log.debug("a body could not be read to its end")
            return False
        return True

    def _expect_another(self) -> None:
        """The timer is armed once and moves on by itself."""
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)
