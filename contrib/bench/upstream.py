"""The upstream that all proxies are measured in front of: raw protocols on uvloop, so that it is not the limit.

    python upstream.py        prints its port, serves until its standard input is closed

The `model` of a request says what is answered: `json` a reply, `burst` a whole stream in one write, `paced` an event
every 20 ms until the client leaves, `idle` one event and then silence.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import uvloop
import wire

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
MODEL = re.compile(rb'"model": *"(\w+)"')
SLOTS = 10
"""Paced streams are spread over so many instants of their period."""


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = wire.reply_body()
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
EVENT = chunk(wire.event())
BURST = HEAD + chunk(wire.event() * wire.EVENTS_IN_BURST) + chunk(wire.last_events()) + b"0\r\n\r\n"
LIST = b'{"object": "list", "data": []}'
MODELS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(LIST), LIST)


class Pacer:
    """Writes an event to each of its streams, 50 times a second."""

    def __init__(self) -> None:
        self._slots: list[set[asyncio.WriteTransport]] = [set() for _ in range(SLOTS)]
        self._next = 0

    def add(self, stream: asyncio.WriteTransport) -> None:
        min(self._slots, key=len).add(stream)

    def remove(self, stream: asyncio.WriteTransport) -> None:
        for slot in self._slots:
            slot.discard(stream)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        period = 1 / wire.EVENTS_A_SECOND / SLOTS
        due = loop.time()
        while True:
            for stream in self._slots[self._next]:
                stream.write(EVENT)
            self._next = (self._next + 1) % SLOTS
            due = max(due + period, loop.time() - period * SLOTS)
            await asyncio.sleep(due - loop.time())


class Connection(asyncio.Protocol):
    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._pacer.remove(self._transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self._held, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._held) < whole:
                return
            request, self._held = self._held[:whole], self._held[whole:]
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        model = MODEL.search(request)
        if model is None:
            self._transport.write(MODELS)
        elif model[1] == b"json":
            self._transport.write(JSON)
        elif model[1] == b"burst":
            self._transport.write(BURST)
        else:
            self._transport.write(HEAD + EVENT)
            if model[1] == b"paced":
                self._pacer.add(self._transport)


async def main() -> None:
    loop = asyncio.get_running_loop()
    pacer, closed = Pacer(), asyncio.Event()
    server = await loop.create_server(lambda: Connection(pacer), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.add_reader(sys.stdin, lambda: sys.stdin.read(1) or closed.set())
    pacing = asyncio.ensure_future(pacer.run())
    await closed.wait()
    pacing.cancel()


if __name__ == "__main__":
    uvloop.run(main())
