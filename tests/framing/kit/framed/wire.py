"""Both ends of a wire by hand: upstreams that tell what came or say what they are told, a client that sends bytes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from .replies import Said

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
INTERIM = (b"HTTP/1.1 100 ", b"HTTP/1.1 103 ")


class Listener(ABC):
    """On loopback. talks: how many connections there were."""

    def __init__(self, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self._host = host
        self._tls = tls
        self._open: list[tuple[asyncio.Task[None], Writer]] = []
        self.talks = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._begin, self._host, 0, limit=2**20, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task, writer in self._open:
            task.cancel()
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        await asyncio.gather(*(task for task, _ in self._open), return_exceptions=True)

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'http' if self._tls is None else 'https'}://{host}:{self.port}"

    def _begin(self, reader: Reader, writer: Writer) -> None:
        self.talks += 1
        self._open.append((asyncio.ensure_future(self._serve(reader, writer)), writer))

    async def _serve(self, reader: Reader, writer: Writer) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._talk(reader, writer)
        writer.close()

    @abstractmethod
    async def _talk(self, reader: Reader, writer: Writer) -> None:
        """One connection, which ends with it."""


class Server(Listener):
    """Answers requests, one after another."""

    async def _talk(self, reader: Reader, writer: Writer) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await self._answer(head, await body_of(head, reader), writer)

    @abstractmethod
    async def _answer(self, head: bytes, body: bytes, writer: Writer) -> None:
        """One request."""


class Echo(Server):
    """Answers each request in toy JSON with the text that it was sent. texts, heads: of all that came."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.heads: list[bytes] = []

    async def _answer(self, head: bytes, body: bytes, writer: Writer) -> None:
        self.heads.append(head)
        self.texts.append(text_of(body))
        writer.write(said(self.texts[-1]))


class Says(Server):
    """Says what stands in a list at the place that the request's target names, and else `{}`."""

    def __init__(self, replies: Sequence[Said], *, slowly: bool = False) -> None:
        super().__init__()
        self._replies = replies
        self._slowly = slowly

    async def _answer(self, head: bytes, body: bytes, writer: Writer) -> None:
        place = head.split()[1].removeprefix(b"/")
        if not place.isdigit():
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            return
        reply = self._replies[int(place)]
        if self._slowly:
            await dribbled(writer, reply.sent)
        else:
            writer.write(reply.sent)
        if reply.ending == "open":
            return
        if reply.ending == "reset":
            await asyncio.sleep(0.05)  # else it takes back what was said, too
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        raise ConnectionError(reply.ending)


def said(text: str) -> bytes:
    body = json.dumps({"id": "r", "model": "m", "text": text, "usage": {"read": 1, "wrote": 1}}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


async def dribbled(writer: Writer, data: bytes) -> None:
    """Byte by byte, each for itself on its way."""
    for place in range(len(data)):
        writer.write(data[place : place + 1])
        await asyncio.sleep(0)


def headers_of(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}


async def body_of(head: bytes, reader: Reader) -> bytes:
    headers = headers_of(head)
    if "chunked" not in headers.get("transfer-encoding", "").lower():
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int((await reader.readuntil()).partition(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readuntil()
    while (await reader.readline()).strip():
        pass
    return body


def text_of(body: bytes) -> str:
    try:
        return str(json.loads(body)["text"])
    except (ValueError, KeyError, TypeError):
        return ascii(body)


class Talk:
    """A client's connection."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, port: int) -> Talk:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def dribble(self, data: bytes) -> None:
        await dribbled(self._writer, data)

    def finish(self) -> None:
        """No more will come; an answer still may."""
        self._writer.write_eof()

    async def reply(self, limit: float = 5.0) -> tuple[int, dict[str, str], bytes]:
        """The next final one; status 0 where the connection ended without another one, or it is none."""
        try:
            async with asyncio.timeout(limit):
                head = await self._reader.readuntil(b"\r\n\r\n")
                while head.startswith(INTERIM):
                    head = await self._reader.readuntil(b"\r\n\r\n")
                return int(head.split()[1]), headers_of(head), await self._body(head)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            return 0, {}, b""

    async def rest(self) -> bytes:
        """All until the connection ends."""
        async with asyncio.timeout(5):
            return await self._reader.read()

    async def _body(self, head: bytes) -> bytes:
        if head.split()[1] in (b"204", b"304"):
            return b""
        framed = headers_of(head).keys() & {"content-length", "transfer-encoding"}
        return await (body_of(head, self._reader) if framed else self._reader.read())
