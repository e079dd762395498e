"""What is awaited is durable; what is not awaited is kept; what is lost is said."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from gateway_store_sql import complaints, writer
from gateway_store_sql.store import SqliteStore
from gateway_store_sql.writer import Writer

from gateway import Unavailable, UsageRecord

Make = Callable[..., UsageRecord]

WRITE_FOREVER = """
import asyncio, sys
from pathlib import Path
from gateway import UsageRecord
from gateway_store_sql.store import SqliteStore
async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.open()
    for number in range(10**9):
        user = await store.users.create(f"{sys.argv[2]}-{number}")
        store.usage.append(UsageRecord(
            id=f"ex-{sys.argv[2]}-{number}", started=1.0, duration=0.0, status=200, outcome="complete",
            operation="generate", dialect="d", user_id=user.id))
        await store.usage.flush()
        print(number, flush=True)
        if number == int(sys.argv[3]):
            break
    await store.close()
asyncio.run(main())
"""


def writing(directory: Path, name: str, until: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", WRITE_FOREVER, str(directory), name, str(until)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


async def test_what_was_awaited_survives_a_kill(directory: Path) -> None:
    process = writing(directory, "a", 10**8)
    assert process.stdout
    printed = [int(process.stdout.readline()) for _ in range(30)]
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read().split("\n")[:-1]
    process.wait()
    process.stdout.close()
    last = int(rest[-1]) if rest else printed[-1]
    store = SqliteStore(directory)
    await store.open()
    assert {f"a-{number}" for number in range(last + 1)} <= {user.name for user in await store.users.list()}
    kept = {record.id for record in await store.usage.records(10**6)}
    assert {f"ex-a-{number}" for number in range(last + 1)} <= kept
    await store.close()


async def test_processes_write_one_file_at_once_and_none_waits_in_vain(directory: Path) -> None:
    running = [writing(directory, name, 60) for name in "abcd"]
    for process in running:
        assert len(process.communicate()[0].split()) == 61
        assert process.returncode == 0
    store = SqliteStore(directory)
    await store.open()
    assert len(await store.users.list()) == 4 * 61
    assert (await store.usage.totals([]))[0].exchanges == 4 * 61
    assert await store.keys.revision() == 1 + 4 * 61
    await store.close()


async def test_a_job_that_fails_leaves_the_others_of_its_batch(store: SqliteStore) -> None:
    names = [f"user{number % 5}" for number in range(20)]
    outcomes = await asyncio.gather(*(store.users.create(name) for name in names), return_exceptions=True)
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 5
    assert len(await store.users.list()) == 5


async def test_a_job_with_a_defect_raises_it_and_the_writer_goes_on(store: SqliteStore) -> None:
    def broken(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO users VALUES ('x', 'x', '', '', '[]', 0)")
        raise KeyError("a defect")

    with pytest.raises(KeyError):
        await store._writer.submit(broken)
    assert await store.users.find("x") is None
    await store.users.create("after")


async def test_closing_commits_what_was_enqueued(directory: Path, record: Make) -> None:
    store = SqliteStore(directory)
    await store.open()
    for number in range(1000):
        store.usage.append(record(f"ex{number}"))
    await store.close()
    await store.open()
    assert (await store.usage.totals([]))[0].exchanges == 1000
    await store.users.create("after")
    await store.close()


async def test_an_orderly_end_leaves_one_file(directory: Path) -> None:
    first, second = SqliteStore(directory), SqliteStore(directory)
    await first.open()
    await second.open()
    await first.users.create("ann")
    await second.users.create("bob")
    await first.close()
    assert len(await second.users.list()) == 2
    await second.close()
    assert os.listdir(directory) == ["gateway.db"]


class Blocked:
    """Another program that holds the write lock."""

    def __init__(self, directory: Path) -> None:
        self.connection = apsw.Connection(str(directory / "gateway.db"))

    def __enter__(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_: object) -> None:
        self.connection.execute("ROLLBACK")
        self.connection.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway_store_sql.connect.WRITER_PRAGMAS", "PRAGMA busy_timeout=30; PRAGMA synchronous=FULL")


@pytest.mark.usefixtures("impatient")
async def test_records_outlive_a_failing_commit_and_whoever_awaits_is_told(
    directory: Path, record: Make, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(directory)
    await store.open()
    with Blocked(directory):
        for number in range(300):
            store.usage.append(record(f"ex{number}"))
        with pytest.raises(Unavailable):
            await store.usage.flush()
        with pytest.raises(Unavailable):
            await store.users.create("nobody")
        assert "cannot be written" in (await store.ping() or "")
    assert await store.ping() is None
    await store.usage.flush()
    assert (await store.usage.totals([]))[0].exchanges == 300
    assert await store.users.find("nobody") is None
    complaints = [line for line in caplog.messages if "kept and tried again" in line]
    assert len(complaints) == 1
    await store.close()


@pytest.mark.usefixtures("impatient")
async def test_records_are_written_after_a_failure_though_nobody_asks(directory: Path, record: Make) -> None:
    store = SqliteStore(directory)
    await store.open()
    with Blocked(directory):
        store.usage.append(record("ex1"))
        while store._writer.trouble is None:  # noqa: ASYNC110 - it says nothing when it changes
            await asyncio.sleep(0.01)
    while store._writer.trouble is not None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert [found.id for found in await store.usage.records()] == ["ex1"]
    await store.close()


@pytest.mark.usefixtures("impatient")
async def test_closing_while_the_database_is_locked_ends_and_says_what_is_lost(
    directory: Path, record: Make, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CLOSE_PATIENCE", 0.2)
    store = SqliteStore(directory)
    await store.open()
    with Blocked(directory):
        for number in range(7):
            store.usage.append(record(f"ex{number}"))
        await store.close()
    assert [line for line in caplog.messages if "LOST" in line and line.startswith("Store: 7 ")]


async def test_a_full_queue_loses_the_newest_and_says_how_many_once_a_period(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def connect() -> apsw.Connection:
        connection = apsw.Connection(str(tmp_path / "x.db"))
        connection.execute("CREATE TABLE t (a BIGINT)")
        return connection

    small = Writer(connect, lambda connection, records: [], logging.getLogger("gateway.store"), limit=3)
    await small.open()
    with small._wake:  # the writer takes nothing meanwhile
        for number in range(10):
            small.enqueue(lambda connection, number=number: connection.execute("INSERT INTO t VALUES (?1)", (number,)))
    await small.close()
    lines = [line for line in caplog.messages if "LOST" in line]
    assert len(lines) == 2, "one at once, one for the rest at the end"
    assert sum(int(line.split()[1]) for line in lines) == 7
    connection = apsw.Connection(str(tmp_path / "x.db"))
    assert connection.execute("SELECT a FROM t").fetchall() == [(0,), (1,), (2,)]
    connection.close()


async def test_more_records_than_may_wait_are_lost_and_counted(
    directory: Path, record: Make, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(directory)
    await store.open()
    store._writer._limit = 3
    with store._writer._wake:  # the writer takes nothing meanwhile
        for number in range(10):
            store.usage.append(record(f"ex{number}"))
    await store.usage.flush()
    assert sorted(found.id for found in await store.usage.records()) == ["ex0", "ex1", "ex2"]
    await store.close()
    assert sum(int(line.split()[1]) for line in caplog.messages if "LOST" in line) == 7


async def test_a_record_that_cannot_be_written_leaves_the_others_of_its_statement(
    directory: Path, record: Make, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(directory)
    await store.open()
    bad = {3: {"operation": None}, 50: {"started": float("nan")}, 64: {"status": 2**63}, 90: {"outcome": None}}
    with store._writer._wake:  # so that all are one batch
        for number in range(100):
            store.usage.append(record(f"ex{number}", **bad.get(number, {})))
    await store.usage.flush()
    kept = {found.id for found in await store.usage.records(1000)}
    assert kept == {f"ex{number}" for number in range(100) if number not in bad}
    await store.close()
    assert sum(int(line.split()[1]) for line in caplog.messages if "LOST" in line) == len(bad)


async def test_records_are_on_the_disk_soon_though_nobody_asks(store: SqliteStore, record: Make) -> None:
    for number in range(100):
        store.usage.append(record(f"ex{number}"))
    while len(await store.usage.records(1000)) < 100:  # noqa: ASYNC110 - the test's time limit ends it
        await asyncio.sleep(0.01)


async def test_appending_waits_for_no_batch_that_is_being_written(store: SqliteStore, record: Make) -> None:
    """Whatever is appended while the writer takes, writes or sleeps is written once."""

    async def append(start: int) -> None:
        for number in range(start, 3000, 3):
            store.usage.append(record(f"ex{number}", started=float(number)))
            if number % 50 == 0:
                await asyncio.sleep(0.001)
            if number % 500 == 0:
                await store.usage.flush()

    await asyncio.gather(*(append(start) for start in range(3)))
    await store.usage.flush()
    found = await store.usage.records(10_000)
    assert [record.id for record in found] == [f"ex{number}" for number in reversed(range(3000))]


def test_losses_between_two_lines_add_up(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(complaints.time, "monotonic", lambda: now)
    told = complaints.Complaints(logging.getLogger("gateway.store"))
    for _ in range(5):
        told.lost(1, "full")
    now += complaints.PERIOD
    told.lost(1, "full")
    assert [line.split()[1] for line in caplog.messages] == ["1", "5"]


async def test_a_closed_store_refuses(directory: Path, record: Make) -> None:
    store = SqliteStore(directory)
    with pytest.raises(Unavailable):
        await store.keys.revision()
    await store.open()
    await store.close()
    with pytest.raises(Unavailable):
        await store.users.create("late")
    with pytest.raises(Unavailable):
        await store.users.list()
    await store.close()


async def test_ping_notices_that_the_file_is_gone(store: SqliteStore, directory: Path) -> None:
    assert await store.ping() is None
    (directory / "gateway.db").unlink()
    assert "was removed" in (await store.ping() or "")
