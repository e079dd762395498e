"""The load's connections: raw protocols, one request at a time on each."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Sequence
from typing import cast

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LAST = b"0\r\n\r\n"
OPENING = 50
"""Connections opened at a time."""


class Connection(asyncio.Protocol):
    """done: called at each reply's end. heard: called with each piece of a body, without what frames it.

    due: when the request that it carries should have gone out.
    """

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._head = b""
        self._left: int | None = None
        self._framed: Chunks | None = None
        self.done: Callable[[Connection], None] = lambda connection: None
        self.heard: Callable[[bytes], None] | None = None
        self.lost: str | None = None
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.port = str(transport.get_extra_info("sockname")[1])

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = self.lost or f"the proxy closed a connection: {error}"

    def ask(self, request: bytes = b"") -> None:
        """request: another than its own."""
        self._head, self._left, self._framed = b"", None, None
        self.transport.write(request or self._request)

    def data_received(self, data: bytes) -> None:
        if self._left is None:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._head.startswith(b"HTTP/1.1 200"):
                self.lost = self._head[:2000].decode("utf-8", "replace")
                self.transport.abort()
                return
            data = self._begin(end)
        if self._framed is None:
            self._left -= len(data)  # type: ignore[operator]
            over = self._left == 0
        else:
            over, data = self._framed.feed(data)
        if self.heard is not None and data:
            self.heard(data)
        if over:
            self.done(self)

    def _begin(self, end: int) -> bytes:
        length = LENGTH.search(self._head, 0, end)
        self._left = int(length[1]) if length else 0
        if not length:
            self._framed = Whole() if self.heard is None else Chunks()
        return self._head[end + 4 :]


class Chunks:
    """Takes the framing of `Transfer-Encoding: chunked` off."""

    def __init__(self) -> None:
        self._held = b""
        self._left = 0
        """Of the chunk that is being read, with its line end."""

    def feed(self, data: bytes) -> tuple[bool, bytes]:
        """Whether the body is over, and what of it came."""
        data, self._held = self._held + data, b""
        found: list[bytes] = []
        at = 0
        while at < len(data):
            if self._left == 0:
                end = data.find(b"\r\n", at)
                size = int(data[at:end], 16) if end >= 0 else 0
                if data.startswith(LAST, at):
                    return True, b"".join(found)
                if size == 0:
                    self._held = data[at:]
                    break
                at, self._left = end + 2, size + 2
            piece = data[at : at + self._left]
            at += len(piece)
            self._left -= len(piece)
            found.append(piece[: max(0, len(piece) - max(0, 2 - self._left))])
        return False, b"".join(found)


class Whole(Chunks):
    """For who only wants the end of a body: the framing stays."""

    def feed(self, data: bytes) -> tuple[bool, bytes]:
        self._held = self._held[-5:] + data[-5:]
        return self._held.endswith(LAST), data


async def connect(port: int, request: bytes, count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    found: list[Connection] = []
    for _ in range(0, count, OPENING):
        opening = [
            loop.create_connection(lambda: Connection(request), "127.0.0.1", port)
            for _ in range(min(OPENING, count - len(found)))
        ]
        found += [connection for _, connection in await asyncio.gather(*opening)]
    return found


def check(connections: Sequence[Connection]) -> None:
    lost = [connection.lost for connection in connections if connection.lost]
    if lost:
        sys.exit(f"{len(lost)} of {len(connections)} connections failed: {lost[0]}")


async def begin(connections: Sequence[Connection]) -> None:
    """Asks on all of them, not faster than a listening socket's queue empties."""
    for number, connection in enumerate(connections):
        connection.ask()
        if number % OPENING == OPENING - 1:
            await asyncio.sleep(0.02)
