"""The table that processes share: exact, all or nothing, and never locked or spoilt by who is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gateway_permission_limits import lock
from gateway_permission_limits.gcra import rate
from gateway_permission_limits.memory import FILE

from gateway import StartupError, Unavailable, Want

MINUTE = rate("requests", 10, 60)
QUIET = {"open", "os", "socket", "mmap", "fcntl", "subprocess"}
"""Modules whose audit events tell of files, sockets and processes."""
HOLDS = """
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(fd, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""
TAKES = """
import asyncio, logging, os, sys
from pathlib import Path
from gateway import Want
from gateway_permission_limits.local import LocalCounters
from gateway_permission_limits.memory import Shape

async def main():
    counters = LocalCounters(Path(sys.argv[1]), Shape(1024, 8_000_000), 1, logging.getLogger())
    await counters.open()
    want = Want(b"n" * 16, 10**12, int(sys.argv[2]) * 10**12)
    os.write(1, b"r")
    os.read(0, 1)
    while (await counters.take([want])).grant is not None:
        os.write(1, b".")

asyncio.run(main())
"""


def name(number: int) -> bytes:
    return number.to_bytes(8, "little") + b"n" * 8


def want(number: int = 1, units: int = 1) -> Want:
    return Want(name(number), MINUTE.cost(1) * units, MINUTE.most)


async def taken_by(counters: Any, callers: int) -> None:
    for number in range(callers):
        await counters.take([want(number, 10)])


@contextmanager
def holder(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the lock."""
    command = [sys.executable, "-c", HOLDS, str(directory / FILE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


async def test_all_processes_count_together(opened: Any) -> None:
    processes = [await opened() for _ in range(4)]
    got = [(await processes[turn % 4].take([want()])).grant is not None for turn in range(30)]
    assert got == [True] * 10 + [False] * 20


async def test_all_or_nothing_is_taken(opened: Any) -> None:
    counters = await opened()
    await counters.take([want(2, 10)])
    taken = await counters.take([want(1, 3), want(2)])
    assert (taken.grant, taken.used) == (None, [0, MINUTE.most])
    assert (await counters.take([want(1, 10)])).grant


async def test_what_was_set_aside_comes_to_what_was_used(opened: Any) -> None:
    counters = await opened()
    grant = (await counters.take([want(1, 8)])).grant
    assert (await counters.take([want(1, 3)])).grant is None
    grant.settle([MINUTE.cost(1) * 2])
    assert (await counters.take([want(1, 8)])).grant


async def test_what_was_used_beyond_it_is_waited_off(opened: Any, time: Any) -> None:
    counters = await opened()
    grant = (await counters.take([want(1, 1)])).grant
    grant.settle([MINUTE.cost(1) * 25])
    time.pass_(6 * 15.9)
    assert (await counters.take([want()])).grant is None
    time.pass_(6 * 0.2)
    assert (await counters.take([want()])).grant


async def test_a_caller_that_is_forgotten_meanwhile_still_pays(opened: Any, time: Any) -> None:
    counters = await opened(callers=1024)
    grant = (await counters.take([want(1)])).grant
    time.pass_(3600)
    for number in range(2, 1000):
        await counters.take([want(number)])
    grant.settle([MINUTE.most * 2])
    assert (await counters.take([want(1)])).grant is None


async def test_more_callers_than_there_is_room_for_are_refused_and_room_comes_back(opened: Any, time: Any) -> None:
    counters = await opened(callers=1024)
    with pytest.raises(Unavailable, match="Too many callers"):
        await taken_by(counters, 2000)
    assert "gateway.permission-limits.callers" in counters.failure()
    time.pass_(60)
    for number in range(5000, 5200):
        await counters.take([want(number)])
    assert counters.failure() is None


async def test_counts_outlast_a_restart_of_the_gateway(opened: Any) -> None:
    before = await opened()
    await before.take([want(1, 10)])
    assert (await (await opened()).take([want()])).grant is None


@pytest.mark.parametrize("jump", [0.0, 30.0, -86400.0 * 365])
async def test_counts_outlast_a_restart_of_the_machine_whatever_its_clock_then_says(
    opened: Any, time: Any, jump: float
) -> None:
    """The clock of the machine's running time begins again; the wall clock may be wrong."""
    before = await opened()
    await before.take([want(1, 10)])
    await before.renew()
    time.monotonic = 5.0
    time.wall += jump
    after = await opened(boot=2)
    assert (await after.take([want(1, 6)])).grant is None
    time.pass_(60)
    assert (await after.take([want(1, 10)])).grant


async def test_no_change_of_the_wall_clock_moves_anything(opened: Any, time: Any) -> None:
    counters = await opened()
    await counters.take([want(1, 10)])
    for jump in (86400, -86400 * 365):
        time.wall += jump
        assert (await (await opened()).take([want()])).grant is None
    time.pass_(6)
    assert (await counters.take([want()])).grant


async def test_the_file_is_its_owners_alone(opened: Any, tmp_path: Path) -> None:
    await opened()
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 10**5, bytes(10**6)])
async def test_a_file_that_is_none_of_ours_is_replaced(opened: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert (await (await opened()).take([want()])).grant


async def test_another_shape_makes_another_file_and_spoils_nobodys(opened: Any) -> None:
    old = await opened(callers=1024)
    await old.take([want(1, 10)])
    new = await opened(callers=4096)
    assert (await new.take([want()])).grant
    assert (await old.take([want()])).grant is None


async def test_a_directory_that_cannot_be_written_to_stops_the_start(opened: Any, tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="table of limits"):
        await opened(directory=tmp_path / "none")


async def test_a_process_alone_needs_no_file(opened: Any) -> None:
    counters = await opened(directory=None)
    assert [(await counters.take([want(1, 5)])).grant is not None for _ in range(3)] == [True, True, False]


async def test_who_is_killed_with_the_lock_leaves_it_to_others(opened: Any, tmp_path: Path) -> None:
    counters = await opened()
    with holder(tmp_path) as process:
        waiting = asyncio.create_task(counters.take([want()]))
        await asyncio.sleep(0)
        assert not waiting.done()
        process.send_signal(signal.SIGKILL)
        assert (await waiting).grant


async def test_who_stands_still_with_the_lock_costs_others_their_limits_and_not_their_loop(
    opened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.0)
    counters = await opened()
    with holder(tmp_path) as process:
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(Unavailable, match="stands still"):
            await counters.take([want()])
        process.kill()
    assert (await counters.take([want()])).grant


async def test_what_cannot_be_given_back_at_once_is_given_back_later(opened: Any, tmp_path: Path) -> None:
    counters, other = await opened(), await opened()
    slot = Want(name(9), 1, 1, held=True)
    grant = (await counters.take([slot, want(1, 10)])).grant
    with holder(tmp_path):
        grant.settle([1, 0])
    assert (await other.take([slot])).grant is None
    await counters.renew()
    assert (await other.take([slot, want(1, 10)])).grant


async def test_with_the_lock_free_nothing_is_waited_for(opened: Any) -> None:
    """Not even for a turn of the loop: the first step of the take is its last."""
    counters = await opened()
    with pytest.raises(StopIteration) as ended:
        counters.take([want(), Want(name(2), 1, 1, held=True)]).send(None)
    ended.value.value.grant.settle([0, 1])
    assert (await counters.take([want(1, 10), Want(name(2), 1, 1, held=True)])).grant


def touched(call: Callable[[], object]) -> set[str]:
    """What of files, sockets and processes Python tells of while it runs."""
    seen: set[str] = set()
    watching = [True]

    def hook(event: str, arguments: object) -> None:
        if watching[0] and event.split(".")[0] in QUIET:
            seen.add(event)

    sys.addaudithook(hook)
    call()
    watching[0] = False
    return seen


async def test_a_take_touches_no_file_and_no_network(opened: Any) -> None:
    """Beside the lock that it holds on the memory."""
    counters = await opened()

    def take_and_give() -> None:
        with pytest.raises(StopIteration) as ended:
            counters.take([want(), Want(name(2), 1, 1, held=True)]).send(None)
        ended.value.value.grant.settle([0, 1])

    assert touched(take_and_give) == {"fcntl.flock"}


def test_processes_that_are_killed_at_any_point_spoil_nothing(tmp_path: Path) -> None:
    """All take at once; each that is killed may have taken one of which it could not tell any more."""
    limit = 60_000
    command = [sys.executable, "-c", TAKES, str(tmp_path), str(limit)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) for _ in range(4)]
    ends = [(process.stdin, process.stdout) for process in processes if process.stdin and process.stdout]
    assert [told.read(1) for _, told in ends] == [b"r"] * 4
    for go, _ in ends:
        go.write(b"g")
    got = 0
    for process, (_, told) in list(zip(processes, ends, strict=True))[:2]:
        while got < 500:
            got += len(told.read(500))
        process.kill()
    got += sum(len(rest) for process in processes for rest in process.communicate()[:1])
    assert limit - 2 <= got <= limit
