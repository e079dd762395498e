"""SQLite's writer while the file is locked, full or gone: what is not awaited is kept; what is lost is said."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from gateway_store_sql import complaints, writer
from gateway_store_sql.store import SqliteStore
from gateway_store_sql.writer import Writer

from gateway import Unavailable, UsageRecord

Make = Callable[..., UsageRecord]


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


def test_losses_between_two_lines_add_up(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(complaints.time, "monotonic", lambda: now)
    told = complaints.Complaints(logging.getLogger("gateway.store"))
    for _ in range(5):
        told.lost(1, "full")
    now += complaints.PERIOD
    told.lost(1, "full")
    assert [line.split()[1] for line in caplog.messages] == ["1", "5"]


async def test_ping_notices_that_the_file_is_gone(sqlite: SqliteStore, directory: Path) -> None:
    assert await sqlite.ping() is None
    (directory / "gateway.db").unlink()
    assert "was removed" in (await sqlite.ping() or "")
