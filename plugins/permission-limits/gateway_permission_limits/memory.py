"""The memory that the workers of a machine share: a mapped file, locked, with a clock that goes on over restarts.

A header of eight numbers, then the two tables. The file is made once and never resized, so nobody's mapping of it can
break; one of another shape is replaced by a new file, and who still has the old one goes on with it until it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import mmap
import os
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from gateway import StartupError

from .lock import FileLock, NoLock
from .table import Table, size

FILE = "limits.table"
SLOT_WORDS = 8
MAGIC = 0x4C494D4954533031
_HEADER = 64
_BOOT, _OFFSET, _LATEST = 3, 4, 5
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Shape:
    """How large the tables are, and how long a slot is leased (microseconds): what all who share them agree on."""

    def __init__(self, callers: int, lease: int) -> None:
        self.callers = callers
        self.slots = max(1024, callers // 8)
        self.lease = lease
        self.head = struct.pack("=3q", MAGIC, callers, lease)
        self.size = _HEADER + size(callers, 1) + size(self.slots, SLOT_WORDS)


class Clock(NamedTuple):
    """Nanoseconds: since the machine's start, the same in all processes; and of the wall clock."""

    monotonic: Callable[[], int] = time.monotonic_ns
    wall: Callable[[], int] = time.time_ns


class Memory:
    """rates, slots: the tables. lock: of both."""

    def __init__(self, mapped: mmap.mmap, shape: Shape, clock: Clock, lock: NoLock, fd: int = -1) -> None:
        self.lock = lock
        self._clock = clock
        self._monotonic = clock.monotonic
        self._mapped = mapped
        self._bytes = memoryview(mapped)
        self.numbers = self._bytes.cast("q")
        self.rates = Table(mapped, self.numbers, _HEADER, shape.callers, 1)
        self.slots = Table(mapped, self.numbers, _HEADER + size(shape.callers, 1), shape.slots, SLOT_WORDS)
        self._fd = fd

    def now(self) -> int:
        """Microseconds, the same in all processes of the machine; no change of the wall clock moves it."""
        return self._monotonic() // 1000 + self.numbers[_OFFSET]

    def tick(self) -> None:
        """Notes the time for after a restart of the machine. Under the lock."""
        self.numbers[_LATEST] = self.now()

    def begin(self, boot: int) -> None:
        """After a restart of the machine the clock goes on from the wall clock, never backwards. Under the lock."""
        if self.numbers[_BOOT] != boot:
            wall, latest = self._clock.wall() // 1000, self.numbers[_LATEST]
            self.numbers[_OFFSET] = max(wall, latest) - self._monotonic() // 1000
            self.numbers[_BOOT] = boot
        self.tick()

    def close(self) -> None:
        self.numbers.release()
        self._bytes.release()
        self._mapped.close()
        if self._fd >= 0:
            os.close(self._fd)


def private(shape: Shape, clock: Clock) -> Memory:
    """Of one process, gone with it."""
    return Memory(mmap.mmap(-1, shape.size), shape, clock, NoLock())


def shared(directory: Path, shape: Shape, clock: Clock, boot: int) -> Memory:
    """The one in the directory, made where it is missing. Raises StartupError."""
    path = directory / FILE
    try:
        fd = _opened(path, shape)
    except OSError as error:
        raise StartupError(
            f"The table of limits {path} cannot be opened: {error.strerror}. It needs {shape.size >> 10} KiB on a disk "
            "of this machine that the gateway may write to."
        ) from error
    memory = Memory(mmap.mmap(fd, shape.size), shape, clock, FileLock(fd), fd)
    memory.begin(boot)
    memory.lock.give()
    return memory


def _opened(path: Path, shape: Shape) -> int:
    """Open, locked, and of this shape."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if _is_there(path, fd) and _fits(path, fd, shape):
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _is_there(path: Path, fd: int) -> bool:
    """Whether the path still leads to it: another process may have replaced it before we had the lock."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path), os.fstat(fd))
    return False


def _fits(path: Path, fd: int, shape: Shape) -> bool:
    """An empty file is given the shape; one of another shape is taken away, so that a new one can be made."""
    if os.fstat(fd).st_size == 0:
        _fill(fd, shape)
        return True
    if os.pread(fd, len(shape.head), 0) == shape.head and os.fstat(fd).st_size == shape.size:
        return True
    path.unlink(missing_ok=True)
    return False


def _fill(fd: int, shape: Shape) -> None:
    """Room is really taken: a page that the disk has no room for would end the process that first writes to it."""
    reserve: Callable[[int, int, int], None] | None = getattr(os, "posix_fallocate", None)
    if reserve is not None:
        reserve(fd, 0, shape.size)
    else:
        os.pwrite(fd, bytes(shape.size), 0)
    os.pwrite(fd, shape.head, 0)


def boot_of(environ: Mapping[str, str]) -> int:
    """A number that is another after a restart of the machine; where the system tells none, of the gateway."""
    try:
        text = _BOOT_ID.read_text()
    except OSError:
        text = environ.get("GATEWAY_RUN_DIR", str(os.getpid()))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest())
