"""The upstream that all proxies are measured in front of: raw protocols on uvloop, so that it is not the limit.

    python upstream.py        prints its port, serves until its standard input is closed

The `model` of a request says what is answered: `json` a reply, `burst` a whole stream in one write, `paced` an event
every 20 ms until the client leaves, `numbered` one every 125 ms, `max_tokens` of them, `idle` one and then silence.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import uvloop
import wire
from pacer import EVENT, Pacer, chunk, endless, numbered

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
MODEL = re.compile(rb'"model": *"(\w+)"')
TOKENS = re.compile(rb'"max_\w*tokens": *(\d+)')

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = wire.reply_body()
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
BURST = HEAD + chunk(wire.event() * wire.EVENTS_IN_BURST) + chunk(wire.last_events()) + b"0\r\n\r\n"
LIST = b'{"object": "list", "data": []}'
MODELS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(LIST), LIST)


class Requests(asyncio.Protocol):
    """A connection: each whole request is answered by `answer`."""

    def __init__(self) -> None:
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self._held, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._held) < whole:
                return
            request, self._held = self._held[:whole], self._held[whole:]
            self.answer(request)

    def answer(self, request: bytes) -> None:
        raise NotImplementedError


class Connection(Requests):
    def __init__(self, paced: Pacer, counted: Pacer) -> None:
        super().__init__()
        self._paced, self._counted = paced, counted

    def connection_lost(self, error: Exception | None) -> None:
        self._paced.remove(self._transport)
        self._counted.remove(self._transport)

    def answer(self, request: bytes) -> None:
        model = MODEL.search(request)
        if model is None:
            self._transport.write(MODELS)
        elif model[1] == b"json":
            self._transport.write(JSON)
        elif model[1] == b"burst":
            self._transport.write(BURST)
        else:
            self._stream(model[1], request)

    def _stream(self, model: bytes, request: bytes) -> None:
        self._transport.write(HEAD)
        if model == b"numbered":
            tokens = TOKENS.search(request)
            assert tokens is not None
            stream = numbered(self._transport, int(tokens[1]))
            if stream():
                self._counted.add(self._transport, stream)
            return
        self._transport.write(EVENT)
        if model == b"paced":
            self._paced.add(self._transport, endless(self._transport))


async def main() -> None:
    loop = asyncio.get_running_loop()
    paced, counted = Pacer(wire.EVENTS_A_SECOND, slots=10), Pacer(wire.NUMBERED_A_SECOND, slots=50)
    closed = asyncio.Event()
    server = await loop.create_server(lambda: Connection(paced, counted), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.add_reader(sys.stdin, lambda: None if sys.stdin.read(1) else closed.set())
    pacing = [asyncio.ensure_future(pacer.run()) for pacer in (paced, counted)]
    await closed.wait()
    for task in pacing:
        task.cancel()


if __name__ == "__main__":
    uvloop.run(main())
