"""The line is made and written in a thread, so that a slow terminal or disk never holds up a request."""

from __future__ import annotations

import asyncio
import logging
from queue import SimpleQueue
from threading import Thread

from gateway import Lifespan, Meter, Services, UsageRecord

from .line import fields, sentence

MOST_WAITING = 10_000
log = logging.getLogger("gateway.access")


class Writer:
    """Records on their way to the log, at most `most`; more are dropped and counted. One a process.

    Where no thread runs (a single command, a test), records are written at once.
    """

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._waiting: SimpleQueue[UsageRecord | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._users = 0
        self._told = 0
        self.dropped = 0

    def put(self, record: UsageRecord) -> None:
        """Of the event loop's thread only."""
        if self._thread is None:
            write(record)
        elif self._waiting.qsize() < self._most:
            self._waiting.put(record)
        else:
            self.dropped += 1

    def start(self) -> None:
        """Any number of times; a reload starts the next before it stops the last."""
        self._users += 1
        if self._thread is None:
            self._thread = Thread(target=self._run, name="gateway-access-log", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Once for each start. The last one returns when all that waited is written."""
        self._users -= 1
        if self._users == 0 and self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def failure(self) -> str | None:
        dead = self._thread is not None and not self._thread.is_alive()
        return "the access log is no longer written: its thread has died" if dead else None

    def _run(self) -> None:
        while (record := self._waiting.get()) is not None:
            write(record)
            self._tell()
        self._tell()

    def _tell(self) -> None:
        if (dropped := self.dropped) != self._told:
            log.warning("%d log lines were dropped: they came faster than they could be written", dropped - self._told)
            self._told = dropped


def write(record: UsageRecord) -> None:
    log.info("%s", sentence(record), extra={"fields": fields(record)})


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
