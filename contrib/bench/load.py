"""The load, in a process of its own, so that it is not the limit.

    python load.py closed PORT KEY ASK CONNECTIONS SECONDS        as many requests as go; replies, by connection
    python load.py rate PORT KEY ASK CONNECTIONS SECONDS RATE     so many requests a second; their latencies
    python load.py steady PORT KEY ASK CONNECTIONS SECONDS RATE   the same for long; replies alone
    python load.py streams PORT KEY ASK CONNECTIONS               holds streams open; counts events between two lines
    python load.py numbered PORT KEY ASK CONNECTIONS              numbered streams to their ends; what was lost or late

ASK is `wire.named`. Prints `ready` once there are connections (`streams`: once each stream has had its first event)
and waits for a line on its standard input; then prints one line of JSON, and ends with the input.
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

import uvloop
import wire
from client import Connection, begin, check, connect

TURN = 0.005
"""Seconds between two looks at the clock where requests are many."""
OPENED = 1_000_000_000
"""Nanoseconds after which the opening of many streams is over and done with."""
MARK = re.compile(rb" (\d+)@(\d+)@")


class Lines:
    """Those of the standard input."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        asyncio.get_running_loop().add_reader(sys.stdin, self._read)

    def _read(self) -> None:
        data = os.read(0, 4096)
        if not data:
            asyncio.get_running_loop().remove_reader(sys.stdin)
        for line in data.splitlines() or [b""]:
            self._queue.put_nowait(line)

    async def ready(self) -> None:
        print("ready", flush=True)
        await self._queue.get()

    async def wait(self) -> None:
        await self._queue.get()


async def closed(connections: list[Connection], lines: Lines, seconds: float) -> dict[str, object]:
    """Every request that is counted as begun is awaited, so that the proxy's work is the replies' and nothing else."""
    replies = dict.fromkeys((connection.port for connection in connections), 0)
    busy = len(connections)
    until = 0.0

    def again(connection: Connection) -> None:
        nonlocal busy
        replies[connection.port] += 1
        if time.perf_counter() < until:
            connection.ask()
        else:
            busy -= 1

    await lines.ready()
    began = time.perf_counter()
    until = began + seconds
    for connection in connections:
        connection.done = again
        connection.ask()
    while busy and time.perf_counter() < until + 10:
        await asyncio.sleep(0.01)
        check(connections)
    return {"replies": sum(replies.values()), "seconds": time.perf_counter() - began, "by": replies}


async def rate(connections: list[Connection], lines: Lines, seconds: float, a_second: float) -> dict[str, object]:
    latencies: list[float] = []
    await _by_the_clock(connections, lines, seconds, a_second, latencies.append)
    return {"latencies": latencies}


async def steady(connections: list[Connection], lines: Lines, seconds: float, a_second: float) -> dict[str, object]:
    return {"replies": await _by_the_clock(connections, lines, seconds, a_second, lambda latency: None)}


async def _by_the_clock(
    connections: list[Connection], lines: Lines, seconds: float, a_second: float, took: Callable[[float], None]
) -> int:
    """Requests go out by the clock whether or not earlier ones have been answered; one without a free connection
    waits, and its wait counts. The number of replies.
    """
    loop = asyncio.get_running_loop()
    free = list(connections)
    waiting: list[float] = []
    sent = answered = 0

    def done(connection: Connection) -> None:
        nonlocal answered
        answered += 1
        took(time.perf_counter() - connection.due)
        free.append(connection)
        if waiting:
            send(waiting.pop(0))

    def send(due: float) -> None:
        if not free:
            waiting.append(due)
            return
        connection = free.pop()
        connection.due = due
        connection.ask()

    for connection in connections:
        connection.done = done
    await lines.ready()
    began, count, turn = loop.time(), int(seconds * a_second), max(1, int(a_second * TURN))
    while sent < count:
        await asyncio.sleep(began + sent / a_second - loop.time())
        for _ in range(min(turn, count - sent)):
            send(time.perf_counter())
            sent += 1
        check(connections)
    while answered < count and loop.time() < began + seconds + 10:
        check(connections)
        await asyncio.sleep(0.05)
    if answered < count:
        sys.exit(f"only {answered} of {count} requests were answered")
    return answered


async def streams(connections: list[Connection], lines: Lines) -> dict[str, object]:
    events = 0
    begun: set[int] = set()
    ready = asyncio.Event()

    def listen(number: int) -> Callable[[bytes], None]:
        def heard(data: bytes) -> None:
            nonlocal events
            events += data.count(b"\n\n")
            if number not in begun:
                begun.add(number)
                if len(begun) == len(connections):
                    ready.set()

        return heard

    for number, connection in enumerate(connections):
        connection.heard = listen(number)
    await begin(connections)
    try:
        await asyncio.wait_for(ready.wait(), 60)
    except TimeoutError:
        check(connections)
        sys.exit(f"only {len(begun)} of {len(connections)} streams began")
    await lines.ready()
    before, began = events, time.perf_counter()
    await lines.wait()
    check(connections)
    return {"events": events - before, "seconds": time.perf_counter() - began}


class Numbered:
    """One numbered stream. delays: of each event, with when it was written."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.delays: list[tuple[int, int]] = []
        self._held = b""

    def heard(self, data: bytes) -> None:
        arrived = time.perf_counter_ns()
        data = self._held + data
        end = 0
        for mark in MARK.finditer(data):
            self.numbers.append(int(mark[1]))
            self.delays.append((int(mark[2]), arrived - int(mark[2])))
            end = mark.end()
        self._held = data[end:][-1000:]


async def numbered(connections: list[Connection], lines: Lines, count: float) -> dict[str, object]:
    """count: events of each stream. Delays are told for the time in which all streams ran, if there was one, without
    the second in which what their opening had held up was made good.
    """
    heard = [Numbered() for _ in connections]
    left = len(connections)

    def done(connection: Connection) -> None:
        nonlocal left
        left -= 1

    for connection, one in zip(connections, heard, strict=True):
        connection.heard, connection.done = one.heard, done
    await lines.ready()
    await begin(connections)
    until = time.perf_counter() + 30 + count / wire.NUMBERED_A_SECOND
    while left and time.perf_counter() < until:
        check(connections)
        await asyncio.sleep(0.1)
    all_began = max(one.delays[0][0] for one in heard if one.delays) + OPENED
    first_ended = min(one.delays[-1][0] for one in heard if one.delays)
    together = all_began < first_ended
    told = [delay / 1e6 for one in heard for at, delay in one.delays if not together or all_began <= at <= first_ended]
    return {
        "lost": sum(int(count) - len(set(one.numbers)) for one in heard),
        "disordered": sum(one.numbers != sorted(set(one.numbers)) for one in heard),
        "unfinished": left,
        "together": together,
        "delays": sorted(told)[:: max(1, len(told) // 20_000)],
    }


async def main(mode: str, port: str, key: str, ask: str, count: str, *rest: str) -> None:
    request = wire.request(f"127.0.0.1:{port}", wire.Ask(**json.loads(ask)), key)
    connections = await connect(int(port), request, int(count))
    modes = {"closed": closed, "rate": rate, "steady": steady, "streams": streams, "numbered": numbered}
    lines = Lines()
    result = await modes[mode](connections, lines, *map(float, rest))  # type: ignore[operator]
    print(json.dumps(result), flush=True)
    await lines.wait()  # Connections stay, for who wants to know whose they are.


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(main(*sys.argv[1:]))
