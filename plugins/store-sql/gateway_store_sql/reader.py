"""Readers: look-ups in the loop's own thread, reports in another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import apsw

from gateway import Unavailable

from .connect import open_reader
from .database import Values
from .writer import unavailable

T = TypeVar("T")

LOOKUP_WAIT, REPORT_WAIT = 100, 10_000
"""Milliseconds. Readers wait for no writer; only for another process that recovers the file after a crash."""


class Reader:
    """A look-up by key takes 7 µs here, 60 in another thread; a report may take seconds and must not stop the loop."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lookups: apsw.Connection | None = None
        self._reports: apsw.Connection | None = None
        self._thread: ThreadPoolExecutor | None = None

    def open(self) -> None:
        """Raises apsw.Error."""
        self._lookups = open_reader(self._file, LOOKUP_WAIT)
        self._reports = open_reader(self._file, REPORT_WAIT)
        self._thread = ThreadPoolExecutor(1, "gateway-store-reports")

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown()
        for connection in (self._lookups, self._reports):
            if connection is not None:
                connection.close()
        self._thread = self._lookups = self._reports = None

    def rows(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """For look-ups by an index only. Raises Unavailable."""
        if self._lookups is None:
            raise Unavailable("The store is closed.")
        try:
            # All rows at once: an unfinished statement would hold its snapshot, and the log would grow.
            return self._lookups.execute(sql, values).fetchall()
        except apsw.Error as error:
            raise unavailable(error) from error

    async def report(self, read: Callable[[apsw.Connection], T]) -> T:
        """Raises Unavailable."""
        if self._thread is None or self._reports is None:
            raise Unavailable("The store is closed.")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, read, self._reports)
        except apsw.Error as error:
            raise unavailable(error) from error
