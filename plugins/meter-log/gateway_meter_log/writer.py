"""The lines are made and written in a thread, many together, so that neither they nor a slow disk hold up a request.

The thread sleeps between two batches, so it takes the interpreter's lock a few times a second and not once a line.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from threading import Event, Thread

from gateway import Lifespan, Meter, Services, UsageRecord
from gateway.logs import handler_of

from .line import console_line, fields, json_line, sentence

MOST_WAITING = 10_000
LINGER = 0.05
"""Seconds that a line waits for company."""
BATCH = 128
"""Lines made before they are written: about 64 kB."""
log = logging.getLogger("gateway.access")


class Writer:
    """Records on their way to the log, at most `most`; more are dropped and counted. One a process.

    Where no thread runs (a single command, a test), records are written at once.
    """

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._waiting: deque[UsageRecord] = deque()
        self._wake = Event()
        self._ending = Event()
        self._thread: Thread | None = None
        self._users = 0
        self._told = 0
        self.dropped = 0

    def put(self, record: UsageRecord) -> None:
        """Of the event loop's thread only."""
        waiting = self._waiting
        if len(waiting) >= self._most:
            self.dropped += 1
            return
        waiting.append(record)
        if self._thread is None:
            self._write_waiting()
        elif len(waiting) == 1:  # the thread sleeps only when nothing waits
            self._wake.set()

    def start(self) -> None:
        """Any number of times; a reload starts the next before it stops the last."""
        self._users += 1
        if self._thread is None:
            self._ending.clear()
            self._thread = Thread(target=self._run, name="gateway-access-log", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Once for each start. The last one returns when all that waited is written."""
        self._users -= 1
        if self._users == 0 and self._thread is not None:
            self._ending.set()
            self._wake.set()
            self._thread.join()
            self._thread = None

    def failure(self) -> str | None:
        dead = self._thread is not None and not self._thread.is_alive()
        return "the access log is no longer written: its thread has died" if dead else None

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.wait()
            self._wake.clear()
            self._ending.wait(LINGER)
            self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> None:
        waiting = self._waiting
        while waiting:
            batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
            try:
                write(batch)
            except OSError:  # nobody reads the log any more, or its disk is full
                self.dropped += len(batch)
        self._tell()

    def _tell(self) -> None:
        if (dropped := self.dropped) != self._told:
            log.warning("%d log lines were dropped: the log could not be written, or not so fast", dropped - self._told)
            self._told = dropped


def write(records: Sequence[UsageRecord]) -> None:
    """In the format and to the stream that the gateway's logging has; through logging where another program set it up.

    Raises OSError.
    """
    handler = handler_of(log)
    if handler is None:
        for record in records:
            log.info("%s", sentence(record), extra={"fields": fields(record)})
        return
    line = console_line if handler.console else json_line
    handler.write("".join([line(record) for record in records]))


class AccessLog(Meter):
    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def record(self, record: UsageRecord) -> None:
        if log.isEnabledFor(logging.INFO):
            self._writer.put(record)


class Writing(Lifespan):
    """The thread of each worker."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def start(self) -> None:
        self._writer.start()

    async def stop(self) -> None:
        await asyncio.to_thread(self._writer.stop)

    def failure(self) -> str | None:
        return self._writer.failure()


def writing(services: Services) -> Writer:
    """One for the meter and the lifespan, and for those of the next reload."""
    writer = services.state.setdefault("meter-log", Writer())
    assert isinstance(writer, Writer)
    return writer
