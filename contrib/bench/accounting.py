"""What a process uses, as the kernel accounts for it: CPU of all its threads, memory, and whose connection is whose."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
_ESTABLISHED = "01"


def family(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def cpu(pid: int) -> float:
    """Seconds that all threads of a process have run, those that have ended too; exact, where ticks are 10 ms.

    The number of another process's clock is made as in clock_getcpuclockid(3).
    """
    return time.clock_gettime((~pid << 3) | 2)


def rss(pid: int) -> int:
    """Bytes of memory in use."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def peak(pid: int) -> int:
    """Bytes of memory that it had in use at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 2**10


def shares(pids: Sequence[int], replies: Mapping[str, int]) -> dict[int, int]:
    """How many of the replies each process gave. replies: by the client's port, on connections that are open."""
    owners = {inode: pid for pid in pids for inode in _sockets(pid)}
    given = Counter(dict.fromkeys(pids, 0))
    for port, inode in _connections():
        if inode in owners:
            given[owners[inode]] += replies.get(str(port), 0)
    return dict(given)


def _sockets(pid: int) -> list[str]:
    """Their inodes."""
    found = []
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # It may have closed it meanwhile.
            link = os.readlink(file)
            if link.startswith("socket:["):
                found.append(link[len("socket:[") : -1])
    return found


def _connections() -> list[tuple[int, str]]:
    """Of all of IPv4: the other side's port, and the inode."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [(int(row[2].rpartition(":")[2], 16), row[9]) for row in rows if row[3] == _ESTABLISHED]
