"""The streams of the upstream that go by the clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import wire


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


_BEFORE, _AFTER = wire.event("NUMBER").split(b"NUMBER")
_LAST = chunk(wire.last_events()) + b"0\r\n\r\n"
EVENT = chunk(wire.event())

Stream = Callable[[], bool]
"""Writes an event; whether more are to come."""


class Pacer:
    """Has each of its streams write an event so many times a second, spread over so many instants of the period."""

    def __init__(self, a_second: float, slots: int) -> None:
        self._period = 1 / a_second / slots
        self._slots: list[dict[asyncio.WriteTransport, Stream]] = [{} for _ in range(slots)]
        self._next = 0

    def add(self, transport: asyncio.WriteTransport, stream: Stream) -> None:
        min(self._slots, key=len)[transport] = stream

    def remove(self, transport: asyncio.WriteTransport) -> None:
        for slot in self._slots:
            slot.pop(transport, None)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            slot = self._slots[self._next]
            for transport in [transport for transport, stream in slot.items() if not stream()]:
                del slot[transport]
            self._next = (self._next + 1) % len(self._slots)
            due = max(due + self._period, loop.time() - self._period * len(self._slots))
            await asyncio.sleep(due - loop.time())


def endless(transport: asyncio.WriteTransport) -> Stream:
    def write() -> bool:
        transport.write(EVENT)
        return True

    return write


def numbered(transport: asyncio.WriteTransport, count: int) -> Stream:
    """Each event says its number and when it was written, by the machine's monotonic clock: ` 17@123456789@`."""
    number = 0

    def write() -> bool:
        nonlocal number
        text = b"%b %d@%d@%b" % (_BEFORE, number, time.perf_counter_ns(), _AFTER)
        number += 1
        transport.write(chunk(text) if number < count else chunk(text) + _LAST)
        return number < count

    return write
