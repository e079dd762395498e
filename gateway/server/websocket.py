"""A client's connection as a WebSocket: turns of a dialect's conversations.

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
from ..errors import BadCall, GatewayError, WrongMethod
from ..heads import compose, status_line
from ..inbound import Inbound
from ..pipeline.sink import ClientGone, Sink
from ..wire.frames import BadFrame, Frames, Opcode, accept, closing, frame
from .request import Request
from .turns import Turns

if TYPE_CHECKING:
    from .protocol import Protocol

LONGEST_LIFE = 3600.0
"""Seconds that a connection may last, as the specification of Open Responses has it."""
WAITING = 64
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
        self._turns: Turns | None = None

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
        """Until either side ends it. What has begun by then is answered, but to a client that is gone."""
        memory: dict[str, Any] = {}  # of this connection alone
        began = asyncio.get_running_loop().time()

        async def answer(message: bytes, lane: str) -> None:
            await turn(message, SocketSink(self, dialect, lane), memory)

        self._turns = turns = Turns(answer)
        try:
            while (message := await self._next(leaving, began)) is not None:
                self._begin(turns, message, dialect, opened)
            await self._unless_closed(turns.ended())
            if leaving.is_set():
                self.close(GONE_AWAY, "the gateway stops")
            elif not self._closed:
                self.send(told(time_is_up(), dialect, opened))
                self.close(GONE_AWAY, "the connection has lasted for an hour")
        finally:
            await turns.cut()

    def _begin(self, turns: Turns, message: bytes, dialect: ServerDialect, opened: Inbound) -> None:
        lane = ""
        try:
            lane = dialect.lane(message)
            turns.take(message, lane)
        except GatewayError as error:
            said = told(error, dialect, opened)
            self.send(dialect.in_lane(said, lane) if lane else said)

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

    async def _next(self, leaving: asyncio.Event, began: float) -> bytes | None:
        """None where there is none any more: closed, leaving, or its time is up."""
        loop = asyncio.get_running_loop()
        while not self._messages and not self._closed and not leaving.is_set():
            self._news.clear()
            waits = [asyncio.ensure_future(one.wait()) for one in (self._news, leaving)]
            try:
                left = max(0.0, began + LONGEST_LIFE - loop.time())
                done, _ = await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            if not done:
                return None
        if not self._messages or self._closed or loop.time() >= began + LONGEST_LIFE:
            return None
        return self._messages.popleft()

    async def _unless_closed(self, work: Awaitable[None]) -> None:
        """A client that leaves ends the waiting."""
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
            task.cancel()

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
            waiting, size = len(self._messages), sum(map(len, self._messages))
            if self._turns is not None:
                waiting, size = waiting + self._turns.waiting, size + self._turns.bytes
            if waiting >= WAITING or size > self._most:
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
    """A stream of events as messages. The dialect says which. lane: the client's name for them, "" for none."""

    def __init__(self, socket: WebSocket, dialect: ServerDialect, lane: str = "") -> None:
        self._socket = socket
        self._dialect = dialect
        self.lane = lane
        self._splitter = sse.Splitter()

    def say(self, message: bytes) -> None:
        self._socket.send(self._dialect.in_lane(message, self.lane) if self.lane else message)

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.began = True
        self.say(self._dialect.as_message(status, body))

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.began = True

    def put(self, data: bytes) -> bool:
        for event in sse.events(self._splitter.whole(data)):
            payload = sse.data(event)
            if payload and payload != b"[DONE]":
                self.say(payload)
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


def time_is_up() -> BadCall:
    return BadCall("This connection has lasted for an hour; open another.", code="websocket_connection_limit_reached")
