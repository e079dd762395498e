"""What the supervisor and a worker say to each other of configurations: a line of JSON each, on a socket of theirs."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Mapping

import msgspec

from ..settings.sources import Source
from .told import Reload

LONGEST = 256 * 2**20
"""Bytes of one order: of all files together."""
Files = Mapping[str, Source]
_SLICE = 0.1
"""Seconds between two looks at whether it is still worth to wait."""


class Begin(msgspec.Struct, frozen=True, tag=True):
    """The first order of a worker. first: the files at the supervisor's start. now: those that serve, if others."""

    first: dict[str, Source]
    now: dict[str, Source] | None
    last: Reload


class Prepare(msgspec.Struct, frozen=True, tag=True):
    """Make this ready; the answer is Prepared. number: of the order, which the answer repeats."""

    files: dict[str, Source]
    number: int


class Commit(msgspec.Struct, frozen=True, tag=True):
    """What is ready serves."""

    last: Reload


class Abort(msgspec.Struct, frozen=True, tag=True):
    """What is ready, if anything, does not."""

    last: Reload


class Prepared(msgspec.Struct, frozen=True, tag=True):
    """number: of the order. why: a line for each thing that is wrong; none where all is well."""

    number: int
    why: tuple[str, ...] = ()


class Serving(msgspec.Struct, frozen=True, tag=True):
    """What a worker says first, and unasked: it takes requests."""


Order = Begin | Prepare | Commit | Abort
Said = Serving | Prepared


class Link:
    """The supervisor's end of one worker's socket. served: whether the worker has said so.

    stopping: true once nobody is waited for any more.
    """

    def __init__(self, stopping: Callable[[], bool] = lambda: False) -> None:
        self.served = False
        self._stopping = stopping
        self._ours, self.theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._buffer = bytearray()
        self._rest = memoryview(b"")

    def send(self, order: Order, patience: float) -> bool:
        """False where the worker is gone, or does not read. What it has of an order by then is made whole as soon as it
        reads; an order that had no room at all is not sent later.
        """
        until = time.monotonic() + patience
        if not self._flush(until):
            return False
        whole = memoryview(line(order))
        self._rest = whole
        if self._flush(until):
            return True
        if len(self._rest) == len(whole):
            self._rest = memoryview(b"")
        return False

    def answer(self, number: int, until: float) -> Prepared | None:
        """To this order; what comes too late for an earlier one is nobody's. None where there is none by then (by the
        monotonic clock), or the worker is gone.
        """
        while (said := self._said(until)) is not None:
            if isinstance(said, Serving):
                self.served = True
            elif said.number == number:
                return said
        return None

    def look(self) -> None:
        """Takes what was said unasked, also by a worker that is gone, and gives what it has room for; nobody is waited
        for.
        """
        self._flush(0.0)
        while not self.served and self._said(time.monotonic()) is not None:
            self.served = True

    def _said(self, until: float) -> Said | None:
        while b"\n" not in self._buffer:
            if not self._ready(until, writing=False):
                return None
            try:
                part = self._ours.recv(65536)
            except OSError:
                return None
            if not part:
                return None
            self._buffer += part
        text, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer = bytearray(rest)
        said: Said = msgspec.json.decode(text, type=Said)
        return said

    def _flush(self, until: float) -> bool:
        """Whether nothing is left of the last order."""
        while self._rest:
            if not self._ready(until, writing=True):
                return False
            try:
                self._rest = self._rest[self._ours.send(self._rest) :]
            except OSError:
                return False
        return True

    def _ready(self, until: float, writing: bool) -> bool:
        """False where it is not by then, or the gateway stops meanwhile."""
        reads, writes = ([], [self._ours]) if writing else ([self._ours], [])
        while True:
            left = max(0.0, until - time.monotonic())
            if any(select.select(reads, writes, [], min(left, _SLICE))):
                return True
            if left <= _SLICE or self._stopping():
                return False

    def close(self) -> None:
        self._ours.close()
        self.theirs.close()


def line(message: Order | Said) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def order_of(text: bytes) -> Order:
    order: Order = msgspec.json.decode(text, type=Order)
    return order


def begin(sock: socket.socket) -> Begin:
    """A worker's first order. It is read byte for byte, since what follows is the event loop's to read."""
    sock.setblocking(True)
    text = bytearray()
    while not text.endswith(b"\n"):
        seen = sock.recv(65536, socket.MSG_PEEK)
        if not seen:
            raise ConnectionError("the supervisor is gone")
        end = seen.find(b"\n") + 1
        text += sock.recv(end or len(seen))
    return msgspec.json.decode(text, type=Begin)
