"""A client's connection as a WebSocket: turns of a dialect's conversation, one after the other.

Each turn is an exchange of its own: authenticated, permitted, settled, on the configuration of its time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from .. import sse
from ..dialect import ServerDialect
from ..errors import BadCall, GatewayError, RateLimited, WrongMethod
from ..heads import compose, status_line
from ..inbound import Inbound
from ..pipeline.sink import ClientGone, Sink
from ..wire.frames import BadFrame, Frames, Opcode, accept, closing, frame
from .request import Request

if TYPE_CHECKING:
    from .protocol import Protocol

LONGEST_LIFE = 3600.0
"""Seconds that a connection may last, as the specification of Open Responses has it."""
WAITING = 16
"""Messages that may wait for their turn."""
GONE_AWAY, NORMAL, UNSUPPORTED, BUSY = 1001, 1000, 1003, 1008
Turn = Callable[[bytes, "SocketSink", dict[str, Any]], Awaitable[None]]
"""Answers one message; what is kept in the dict lasts as long as the connection."""


def upgrade_of(request: Request) -> str:
    """What the handshake is to be answered with. Raises WrongMethod, or BadCall where it is none of version 13."""
    headers = request.headers
    asked = {word.strip().lower() for word in headers.get("Connection", "").split(",")}
    if headers.get("Upgrade", "").lower() != "websocket" or "upgrade" not in asked or request.version < (1, 1):
        raise WrongMethod("A GET of this path opens a WebSocket; everything else is a POST.", ("POST",))
    answer = accept(headers.get("Sec-WebSocket-Key", ""))
    if answer is None or headers.get("Sec-WebSocket-Version", "") != "13":
        raise BadCall("This is no WebSocket handshake of version 13 (RFC 6455).")
    return answer


class WebSocket:
    """most: bytes of a message. patience: seconds to wait for a client that does not read."""

    def __init__(self, request: Request, most: int, patience: float) -> None:
        self._protocol: Protocol = request.protocol
        self._frames = Frames(most)
        self._most = most
        self._patience = patience
        self._messages: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._closed = False

    def open(self, answer: str, headers: Mapping[str, str]) -> None:
        """Accepts the handshake, and takes what has come behind it."""
        lines = [
            *headers.items(),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", answer),
        ]
        self._write(compose(status_line(101), lines))
        self._protocol.upgrade(self._take)

    async def run(self, turn: Turn, dialect: ServerDialect, opened: Inbound, leaving: asyncio.Event) -> None:
        """Until either side ends it."""
        memory: dict[str, Any] = {}  # of this connection alone
        deadline = asyncio.get_running_loop().time() + LONGEST_LIFE
        while not self._closed:
            message = await self._next(leaving, deadline)
            if message is not None:
                await self._during(turn(message, SocketSink(self, dialect), memory))
            elif leaving.is_set():
                self.close(GONE_AWAY, "the gateway stops")
            elif not self._closed:
                self.send(told(time_is_up(), dialect, opened))
                self.close(GONE_AWAY, "the connection has lasted for an hour")

    def send(self, text: bytes) -> None:
        self._write(frame(Opcode.TEXT, text))

    def close(self, code: int, why: str = "") -> None:
        if not self._closed:
            with contextlib.suppress(ClientGone):
                self._write(closing(code, why))
        self._end()

    async def room(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._protocol._drain_helper()
        except (TimeoutError, ConnectionError) as error:
            self._end()
            raise ClientGone("the client does not read") from error

    @property
    def has_room(self) -> bool:
        return not self._protocol.writing_paused

    async def _next(self, leaving: asyncio.Event, deadline: float) -> bytes | None:
        """None where there is none any more: closed, leaving, or its time is up."""
        while not self._messages and not self._closed and not leaving.is_set():
            self._news.clear()
            waits = [asyncio.ensure_future(one.wait()) for one in (self._news, leaving)]
            left = deadline - asyncio.get_running_loop().time()
            try:
                done, _ = await asyncio.wait(waits, timeout=max(0.0, left), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            if not done:
                return None
        return self._messages.popleft() if self._messages and not self._closed else None

    async def _during(self, work: Awaitable[None]) -> None:
        """A turn; a client that leaves ends it."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done() and not self._closed:
                self._news.clear()
                news = asyncio.ensure_future(self._news.wait())
                try:
                    await asyncio.wait([task, news], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    news.cancel()
        finally:
            if not task.done():
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError, ClientGone):
                await task

    def _take(self, data: bytes) -> None:
        if self._closed:
            return
        try:
            for received in self._frames.feed(data):
                self._received(received.opcode, received.payload)
        except BadFrame as error:
            self.close(error.code, str(error))

    def _received(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.PING:
            with contextlib.suppress(ClientGone):
                self._write(frame(Opcode.PONG, payload))
        elif opcode is Opcode.CLOSE:
            self.close(NORMAL)
        elif opcode is Opcode.BINARY:
            self.close(UNSUPPORTED, "messages are text")
        elif opcode is Opcode.TEXT:
            if len(self._messages) >= WAITING or sum(map(len, self._messages)) > self._most:
                self.close(BUSY, "too many messages wait")
            self._messages.append(payload)
            self._news.set()

    def _write(self, data: bytes) -> None:
        transport = self._protocol.transport
        if self._closed or transport is None or transport.is_closing():
            raise ClientGone("the connection to the client was lost")
        transport.write(data)

    def _end(self) -> None:
        self._closed = True
        self._news.set()


class SocketSink(Sink):
    """A stream of events as messages. The dialect says which."""

    def __init__(self, socket: WebSocket, dialect: ServerDialect) -> None:
        self._socket = socket
        self._dialect = dialect
        self._splitter = sse.Splitter()

    def say(self, message: bytes) -> None:
        self._socket.send(message)

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.began = True
        self._socket.send(self._dialect.as_message(status, body))

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.began = True

    def put(self, data: bytes) -> bool:
        for event in sse.events(self._splitter.whole(data)):
            payload = sse.data(event)
            if payload and payload != b"[DONE]":
                self._socket.send(payload)
        return self._socket.has_room

    async def room(self) -> None:
        await self._socket.room()

    async def end(self) -> None:
        return

    def abort(self) -> None:
        """The client was told in-band; the next turn may come."""


def told(error: GatewayError, dialect: ServerDialect, inbound: Inbound) -> bytes:
    """An error as a message."""
    return dialect.as_message(error.status, dialect.encode_error(error, inbound))


def time_is_up() -> RateLimited:
    return RateLimited(
        "This connection has lasted for an hour; open another.", code="websocket_connection_limit_reached"
    )
