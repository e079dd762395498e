"""Spool: usage records on the disk while the database cannot be reached.

A directory of files of JSON lines. Whoever writes or reads one holds its lock, so that several processes share the
directory, and what a killed one left behind is taken by the next that looks. A record may be in a file and in the
database at once: ids make it one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from gateway import StartupError, UsageRecord

from .rows import record_of, row_of

LARGEST = 4 * 2**20
"""Bytes after which another file is begun, for a file is read as a whole."""
_PATTERN = "usage-*.jsonl"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(UsageRecord).decode


class Segment:
    """A file that this process has the lock of. spoiled: how many lines are no records."""

    def __init__(self, path: Path, handle: int) -> None:
        self._path = path
        self._handle = handle
        self.spoiled = 0
        self.records: Sequence[UsageRecord] = list(self._read())

    def _read(self) -> Iterator[UsageRecord]:
        for line in self._path.read_bytes().splitlines():
            try:
                yield _decode(line)
            except msgspec.DecodeError:  # cut where the process or the machine died
                self.spoiled += 1

    def remove(self) -> None:
        """Its records are in the database."""
        self._path.unlink(missing_ok=True)
        os.close(self._handle)

    def release(self) -> None:
        """They are not; it is taken again later."""
        os.close(self._handle)


class Spool:
    """limit: bytes in the directory, of all processes, give or take a file of each.

    waiting: whether there may be something to take. Called by one thread at a time. `write` and `take` raise OSError.
    """

    def __init__(self, directory: Path, limit: int) -> None:
        self.directory = directory
        self.waiting = False
        self._limit = limit
        self._handle: int | None = None
        self._size = self._room = 0

    def open(self) -> None:
        """Raises StartupError with what to do."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(self.directory, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise StartupError(
                f"Usage records could not be kept in {self.directory} while the database is away: {error.strerror}. "
                "Set gateway.store.directory (or GATEWAY_STATE_DIR) to a directory that this user may write to."
            ) from error
        self.waiting = True

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def write(self, records: Sequence[UsageRecord]) -> tuple[int, Sequence[Exception]]:
        """How many are dealt with, from the first on: on the disk when it returns, or refused, with these errors.

        Fewer than all where the limit is reached.
        """
        if self._handle is None or self._size >= LARGEST:
            self._begin()
        lines, refused, dealt = [], [], 0
        for record in records:
            try:
                line = _line(record)
            except Exception as error:  # the record's own fault, whatever it is
                refused.append(error)
            else:
                if len(line) > self._room:
                    break
                lines.append(line)
                self._room -= len(line)
            dealt += 1
        self._put(b"".join(lines))
        return dealt, refused

    def take(self) -> Segment | None:
        """The oldest file that no process writes or reads; None where there is none left."""
        self.close()
        for path in sorted(self.directory.glob(_PATTERN)):
            if (handle := _locked(path)) is not None:
                return Segment(path, handle)
        self.waiting = False
        return None

    def _put(self, lines: bytes) -> None:
        if not lines or self._handle is None:
            return
        self.waiting = True
        try:
            left = memoryview(lines)
            while left:
                left = left[os.write(self._handle, left) :]
            os.fsync(self._handle)
        except OSError:
            self.close()  # its last line may be cut, and nothing may follow that
            raise
        self._size += len(lines)

    def _begin(self) -> None:
        """Locked before it has the name that others look for."""
        self.close()
        self._room = self._limit - sum(map(_size, self.directory.glob(_PATTERN)))
        part = self.directory / f"new-{os.getpid()}"
        self._handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        part.rename(self.directory / f"usage-{time.time_ns()}-{os.getpid()}.jsonl")
        self._size = 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # another process has just removed it
        return 0


def _locked(path: Path) -> int | None:
    """None where another process has it, or has just removed it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _line(record: UsageRecord) -> bytes:
    """As the database would give it back: bounded, and of nothing but text."""
    return _encode(record_of(row_of(record))) + b"\n"
