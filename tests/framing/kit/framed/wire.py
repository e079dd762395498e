"""Both ends of a wire by hand: an upstream that tells what came, and a client that sends bytes as they are."""

from __future__ import annotations

import asyncio
import contextlib
import json
from types import TracebackType
from typing import Self

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


class Echo:
    """An upstream that answers each request in toy JSON with the text that it was sent. texts: of all that came."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.heads: list[bytes] = []
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for talk in self._open:
            talk.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _begin(self, reader: Reader, writer: Writer) -> None:
        task = asyncio.ensure_future(self._talk(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _talk(self, reader: Reader, writer: Writer) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                text = text_of(await body_of(head, reader))
                self.heads.append(head)
                self.texts.append(text)
                writer.write(said(text))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def said(text: str) -> bytes:
    body = json.dumps({"id": "r", "model": "m", "text": text, "usage": {"read": 1, "wrote": 1}}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


def headers_of(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}


async def body_of(head: bytes, reader: Reader) -> bytes:
    headers = headers_of(head)
    if "chunked" not in headers.get("transfer-encoding", "").lower():
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int((await reader.readline()).partition(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
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

    def finish(self) -> None:
        """No more will come; an answer still may."""
        self._writer.write_eof()

    async def reply(self, limit: float = 5.0) -> tuple[int, dict[str, str], bytes]:
        """Status 0 where the connection ended without another one."""
        try:
            async with asyncio.timeout(limit):
                while (head := await self._reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 "):
                    pass
                headers = headers_of(head)
                framed = headers.keys() & {"content-length", "transfer-encoding"}
                body = await (body_of(head, self._reader) if framed else self._reader.read())
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0, {}, b""
        return int(head.split()[1]), headers, body
