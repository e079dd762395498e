"""The load: raw protocols on uvloop, in a process of its own, so that it is not the limit.

    python load.py closed PORT KEY MODEL CONNECTIONS SECONDS      as many requests as go; replies
    python load.py rate PORT KEY MODEL CONNECTIONS SECONDS RATE   so many requests a second; their latencies
    python load.py streams PORT KEY MODEL CONNECTIONS             holds streams open; counts events between two lines
                                                                  on its standard input

Prints one line of JSON; `streams` prints `ready` before, once each stream has had its first event.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from typing import cast

import uvloop
import wire

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
OPENING = 50
"""Connections opened at a time."""


class Connection(asyncio.Protocol):
    """One request at a time. done: called at each reply's end. heard: called with each piece of a body."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._head = b""
        self._left = -1
        self.done: Callable[[Connection], None] = lambda connection: None
        self.heard: Callable[[bytes], None] = lambda data: None
        self.lost: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = self.lost or f"the proxy closed a connection: {error}"

    def ask(self) -> None:
        self._head, self._left = b"", -1
        self.started = time.perf_counter()
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._head.startswith(b"HTTP/1.1 200"):
                self.lost = self._head[:2000].decode("utf-8", "replace")
                self.transport.abort()
                return
            length = LENGTH.search(self._head, 0, end)
            data = self._head[end + 4 :]
            self._left = int(length[1]) if length else 2**62
        self.heard(data)
        self._left -= len(data)
        if self._left == 0 or (self._left > 2**61 and data.endswith(b"0\r\n\r\n")):
            self.done(self)


async def connect(port: int, key: str, model: str, count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    request = wire.request(f"127.0.0.1:{port}", model, key, "json" not in model)
    found: list[Connection] = []
    for _ in range(0, count, OPENING):
        opening = [
            loop.create_connection(lambda: Connection(request), "127.0.0.1", port)
            for _ in range(min(OPENING, count - len(found)))
        ]
        found += [connection for _, connection in await asyncio.gather(*opening)]
    return found


def check(connections: list[Connection]) -> None:
    lost = [connection.lost for connection in connections if connection.lost]
    if lost:
        sys.exit(f"{len(lost)} of {len(connections)} connections failed: {lost[0]}")


async def closed(connections: list[Connection], seconds: float) -> dict[str, float]:
    replies = 0

    def again(connection: Connection) -> None:
        nonlocal replies
        replies += 1
        connection.ask()

    for connection in connections:
        connection.done = again
        connection.ask()
    await asyncio.sleep(0.2)
    began, before = time.perf_counter(), replies
    await asyncio.sleep(seconds)
    check(connections)
    return {"replies": replies - before, "seconds": time.perf_counter() - began}


async def rate(connections: list[Connection], seconds: float, a_second: float) -> dict[str, list[float]]:
    """Requests go out by the clock whether or not earlier ones have been answered; one without a free connection
    waits, and its wait counts.
    """
    loop = asyncio.get_running_loop()
    free = list(connections)
    waiting: list[float] = []
    latencies: list[float] = []

    def done(connection: Connection) -> None:
        latencies.append(time.perf_counter() - connection.asked)  # type: ignore[attr-defined]
        free.append(connection)
        if waiting:
            send(waiting.pop(0))

    def send(asked: float) -> None:
        if not free:
            waiting.append(asked)
            return
        connection = free.pop()
        connection.asked = asked  # type: ignore[attr-defined]
        connection.ask()

    for connection in connections:
        connection.done = done
    began, count = loop.time(), int(seconds * a_second)
    for number in range(count):
        await asyncio.sleep(began + number / a_second - loop.time())
        send(time.perf_counter())
    while len(latencies) < count and loop.time() < began + seconds + 10:
        check(connections)
        await asyncio.sleep(0.05)
    if len(latencies) < count:
        sys.exit(f"only {len(latencies)} of {count} requests were answered")
    return {"latencies": latencies}


async def streams(connections: list[Connection]) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    loop.add_reader(sys.stdin, lambda: [lines.put_nowait(line) for line in os.read(0, 4096).splitlines()])
    events = 0
    begun: set[int] = set()
    ready = asyncio.Event()

    def listen(number: int) -> Callable[[bytes], None]:
        def heard(data: bytes) -> None:
            nonlocal events
            events += data.count(b"\n\n")
            if number not in begun and data:
                begun.add(number)
                if len(begun) == len(connections):
                    ready.set()

        return heard

    for number, connection in enumerate(connections):
        connection.heard = listen(number)
        connection.ask()
        if number % OPENING == OPENING - 1:
            await asyncio.sleep(0.02)
    try:
        await asyncio.wait_for(ready.wait(), 60)
    except TimeoutError:
        check(connections)
        sys.exit(f"only {len(begun)} of {len(connections)} streams began")
    print("ready", flush=True)
    await lines.get()
    before, began = events, time.perf_counter()
    await lines.get()
    result = {"events": events - before, "seconds": time.perf_counter() - began}
    check(connections)
    return result


async def main(mode: str, port: str, key: str, model: str, count: str, *rest: str) -> None:
    connections = await connect(int(port), key, model, int(count))
    modes = {"closed": closed, "rate": rate, "streams": streams}
    result = await modes[mode](connections, *map(float, rest))  # type: ignore[operator]
    print(json.dumps(result), flush=True)
    for connection in connections:
        connection.transport.abort()


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(main(*sys.argv[1:]))
