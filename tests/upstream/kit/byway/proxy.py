"""A real HTTP proxy on loopback: it passes requests on, opens tunnels, and wants credentials."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Mapping

from framed.wire import Listener, Reader, Writer, body_of, headers_of

OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"
HELD = ("proxy-", "connection")
"""Headers that go no further than to the proxy."""


class ByWay(Listener):
    """leads: ports on loopback by the `host:port` that is asked for. credentials: `user:password` that it wants.

    opened: its answer to CONNECT. heads: of the requests that it read itself. tunnels: open ones, by what they lead to.
    """

    def __init__(
        self,
        leads: Mapping[str, int],
        *,
        credentials: str | None = None,
        opened: bytes = OPENED,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(host=host, tls=tls)
        self._leads = leads
        self._opened = opened
        self._wanted = f"Basic {base64.b64encode(credentials.encode()).decode()}" if credentials else None
        self.heads: list[bytes] = []
        self.tunnels: list[str] = []
        self._far: list[Writer] = []

    @property
    def asked(self) -> list[bytes]:
        """The first lines of what came."""
        return [head.partition(b"\r\n")[0] for head in self.heads]

    def cut(self) -> None:
        """End every connection to where it leads, and so the tunnels."""
        for writer in self._far:
            writer.close()
        self._far.clear()

    async def _talk(self, reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        refused = self._refusal(head)
        if refused:
            writer.write(refused)
            return
        method, target, _ = head.split(b" ", 2)
        place = target.decode() if method == b"CONNECT" else target.split(b"/")[2].decode()
        port = self._leads.get(place)
        if port is None:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nnone")
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        self._far.append(far_writer)
        if method == b"CONNECT":
            self.tunnels.append(place)
            writer.write(self._opened)
            onward = _bytes(reader, far_writer)
        else:
            onward = self._requests(head, reader, far_writer)
        try:
            await asyncio.gather(onward, _bytes(far_reader, writer))
        finally:
            far_writer.transport.abort()

    def _refusal(self, head: bytes) -> bytes:
        if self._wanted is None or headers_of(head).get("proxy-authorization") == self._wanted:
            return b""
        return b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno"

    async def _requests(self, head: bytes, reader: Reader, far: Writer) -> None:
        """With paths in them instead of URLs. One connection leads to one place only, as long as it is one client's."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                far.write(_origin_form(head) + await body_of(head, reader))
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
        far.close()


def _origin_form(head: bytes) -> bytes:
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, version = first.split(b" ")
    path = b"/" + target.split(b"/", 3)[3]
    kept = [line for line in lines if not line.decode().lower().startswith(HELD)]
    return b"\r\n".join([b" ".join([method, path, version]), *kept, b"Via: 1.1 byway", b"", b""])


async def _bytes(reader: Reader, writer: Writer) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()
    writer.close()
