"""A reply as HTTP/1, written straight to the client's connection: one write for a whole reply, one for each piece.

The HTTP library's response objects cost more than the rest of a reply's way; its flow control is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp.helpers import rfc822_formatted_time

from ..heads import compose, status_line
from ..pipeline.sink import ClientGone, Sink
from .request import Request


class HttpSink(Sink):
    """extra: headers for every reply. patience: seconds to wait for a client that does not read. closing: we drain.

    keep_alive: whether another request may follow.
    """

    def __init__(self, request: Request, extra: Mapping[str, str] | None, patience: float, closing: bool) -> None:
        self._request = request
        self._extra = extra
        self._patience = patience
        self._chunked = True
        self._held = b""
        self.began = False
        self.keep_alive = request.keep_alive and not closing

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        if status == 408:  # the rest of the request may still come, and is none by itself
            self.keep_alive = False
        head = self._head(status, headers, ("Content-Length", str(len(body))) if status != 204 else None)
        self.began = True
        if self._request.method != "HEAD":  # that has the length of what is not sent
            head += body
        self._open().write(head)
        if self._request.protocol.writing_paused:
            await self.room()

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """HTTP/1.0 has no chunks: there the end of the connection is the end of the reply."""
        self._chunked = self._request.version >= (1, 1)
        if not self._chunked:
            self.keep_alive = False
        head = self._head(status, headers, ("Transfer-Encoding", "chunked") if self._chunked else None)
        self._open()
        self.began = True
        self._held = head
        asyncio.get_running_loop().call_soon(self._flush)

    def put(self, data: bytes) -> bool:
        """Nothing at all would be the last chunk: a clean end."""
        if data:
            self._send(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        return not self._request.protocol.writing_paused

    async def end(self) -> None:
        if self._chunked:
            self._send(b"0\r\n\r\n")
        else:
            self._flush()

    def abort(self) -> None:
        """Closed without the last chunk, once what was written has gone out."""
        self._flush()
        self.keep_alive = False
        transport = self._request.protocol.transport
        if transport is not None:
            transport.close()

    def _open(self) -> asyncio.WriteTransport:
        transport = self._request.protocol.transport
        if transport is None or transport.is_closing():
            raise ClientGone("the connection to the client was lost")
        return transport

    def _send(self, data: bytes) -> None:
        """The head goes with the first piece where both come in one turn of the loop: one packet, one system call.

        Of pieces, uvloop makes one write a turn itself.
        """
        transport = self._open()
        if self._held:
            data, self._held = self._held + data, b""
        transport.write(data)

    def _flush(self) -> None:
        head, self._held = self._held, b""
        transport = self._request.protocol.transport
        if head and transport is not None and not transport.is_closing():
            transport.write(head)

    async def room(self) -> None:
        """In the connection's buffer."""
        try:
            async with asyncio.timeout(self._patience):
                await self._request.protocol._drain_helper()
        except TimeoutError:
            self.keep_alive = False
            if self._request.protocol.transport is not None:
                self._request.protocol.transport.abort()
            raise ClientGone("the client does not read") from None
        except ConnectionError as error:
            raise ClientGone("the connection to the client was lost") from error

    def _head(self, status: int, headers: Mapping[str, str], framing: tuple[str, str] | None) -> bytes:
        lines = [*headers.items(), ("Date", rfc822_formatted_time()), ("Server", "librechat-gateway")]
        if framing:
            lines.append(framing)
        if self._extra:
            lines += self._extra.items()
        if not self.keep_alive:
            lines.append(("Connection", "close"))
        elif self._request.version < (1, 1):
            lines.append(("Connection", "keep-alive"))
        return compose(status_line(status), lines)
