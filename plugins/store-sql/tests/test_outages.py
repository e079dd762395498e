"""PostgreSQL stopped, crashed and frozen: nothing is lost, nothing is there twice, nobody waits for ever."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from gateway_store_sql.postgres import database, lanes, outbox, records
from gateway_store_sql.postgres import store as opening
from places import Place

from gateway import StartupError, Unavailable, UsageRecord, workers
from gateway.testing.postgres import LOCKED, PostgresServer

Make = Callable[..., UsageRecord]
LONG = 30.0
"""Seconds that nothing here takes, on however slow a machine, unless it waits for ever."""
APPEND = """
from gateway_store_sql.postgres import records
records.INSERT = 1.0
async def main():
    await store.open()
    for number in range(int(sys.argv[3])):
        store.usage.append(UsageRecord(
            id=f"ex{number}", started=1.0, duration=0.0, status=200, outcome="complete",
            operation="generate", dialect="d", user_id="u"))
        await asyncio.sleep(0.001)
        if number == 50:
            print("halfway", flush=True)
            sys.stdin.readline()
    print("appended", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.fixture
def server(on_postgres: Place) -> Iterator[PostgresServer]:
    """Which runs again after the test, whatever that did to it."""
    server = on_postgres.server
    assert server is not None
    yield server
    server.thaw()
    if not server.runs:
        server.start()


@pytest.fixture
async def store(on_postgres: Place, server: PostgresServer) -> AsyncIterator[Any]:
    store = on_postgres.store()
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of a second instead of several."""
    monkeypatch.setattr(database, "LOOKUP", 1.0)
    monkeypatch.setattr(database, "REPORT", 1.0)
    monkeypatch.setattr(records, "INSERT", 1.0)
    monkeypatch.setattr(lanes, "WRITE", 1.0)


def spooled(place: Place) -> list[bytes]:
    """Lines on the disk."""
    files = sorted((place.directory / "usage-spool").glob("usage-*"))
    return [line for file in files for line in file.read_bytes().splitlines()]


async def until(there: Callable[[], Any]) -> None:
    async with asyncio.timeout(LONG):
        while True:
            found = there()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(0.02)


async def works(asked: Awaitable[object]) -> bool:
    """Whether the database did it."""
    try:
        await asked
    except Unavailable:
        return False
    return True


async def counted(store: Any) -> int:
    """Records in the database; -1 where it cannot be asked."""
    try:
        totals = await store.usage.totals([])
    except Unavailable:
        return -1
    return int(totals[0].exchanges) if totals else 0


def stop(server: PostgresServer) -> None:
    server.stop()


def crash(server: PostgresServer) -> None:
    server.stop(signal.SIGQUIT)


def freeze(server: PostgresServer) -> None:
    server.freeze()


def back(server: PostgresServer) -> None:
    server.thaw()
    if not server.runs:
        server.start()


each_way = pytest.mark.parametrize("end", [stop, crash, freeze])


@each_way
@pytest.mark.usefixtures("impatient")
async def test_records_wait_on_the_disk_and_catch_up(
    store: Any,
    server: PostgresServer,
    on_postgres: Place,
    end: Callable[[PostgresServer], None],
    record: Make,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    for number in range(50):
        store.usage.append(record(f"ex{number}"))
    await until(lambda: works(store.usage.flush()))
    for number in range(50, 100):
        store.usage.append(record(f"ex{number}"))
    end(server)
    for number in range(100, 1500):
        store.usage.append(record(f"ex{number}"))
    asked = [store.usage.flush(), store.users.create("nobody"), store.users.find("nobody"), store.usage.totals([])]
    async with asyncio.timeout(LONG):
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    await until(lambda: len(spooled(on_postgres)) >= 1400)
    for number in range(1500, 1600):
        store.usage.append(record(f"ex{number}"))
    await until(lambda: len(spooled(on_postgres)) >= 1500)
    told = r"cannot be reached: .*; 15\d\d usage records wait on the disk"
    await until(lambda: pings(store, told))
    back(server)
    await until(lambda: counted_is(store, 1600))
    await until(lambda: not spooled(on_postgres))
    assert {found.id for found in await store.usage.records(5000)} == {f"ex{number}" for number in range(1600)}
    await until(lambda: pings(store))
    assert [line for line in caplog.messages if "kept and tried again" in line]
    assert [line for line in caplog.messages if "waited on the disk are in the database" in line]
    assert not [line for line in caplog.messages if "LOST" in line]
    await until(lambda: works(store.users.list()))


async def counted_is(store: Any, number: int) -> bool:
    return await counted(store) == number


async def pings(store: Any, told: str = "^$") -> bool:
    return re.search(told, await store.ping() or "") is not None


async def test_what_was_given_up_and_is_written_after_all_is_there_once(
    store: Any, server: PostgresServer, on_postgres: Place, record: Make, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(records, "INSERT", 0.5)
    store.usage.append(record("ex0"))
    await store.usage.flush()
    waits = "SELECT 1 FROM pg_locks WHERE NOT granted"
    with server.running(
        "BEGIN; LOCK TABLE exchanges IN EXCLUSIVE MODE; SELECT pg_sleep(60)", on_postgres.database or ""
    ) as other:
        for number in range(1, 100):
            store.usage.append(record(f"ex{number}"))
        await until(lambda: on_postgres.sql(waits))
        await until(lambda: len(spooled(on_postgres)) == 99)
        other.kill()
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%'")
    await until(lambda: counted_is(store, 100))
    await until(lambda: not spooled(on_postgres))
    assert await counted(store) == 100
    assert not [line for line in caplog.messages if "LOST" in line]


@each_way
async def test_a_killed_gateway_leaves_its_records_to_the_next(
    on_postgres: Place, server: PostgresServer, end: Callable[[PostgresServer], None]
) -> None:
    process = on_postgres.running(APPEND, "300", stdin=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    process.stdout.readline()
    end(server)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "appended\n"
    await until(lambda: any(b'"ex299"' in line for line in spooled(on_postgres)))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    back(server)
    store = on_postgres.store()
    await store.open()
    await until(lambda: counted_is(store, 300))
    await until(lambda: not spooled(on_postgres))
    assert await counted(store) == 300
    await store.close()


async def test_an_orderly_end_leaves_records_on_the_disk_and_says_which_last_uses_are_lost(
    on_postgres: Place,
    server: PostgresServer,
    record: Make,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(outbox, "CLOSE_PATIENCE", 0.2)
    store = on_postgres.store()
    await store.open()
    user = await store.users.create("ann")
    key = await store.keys.create("d" * 64, "sk-", "", user.id)
    server.stop()
    for number in range(700):
        store.usage.append(record(f"ex{number}"))
    store.keys.touch(key.id, 1000.0)
    async with asyncio.timeout(LONG):
        await store.close()
    assert len(spooled(on_postgres)) == 700
    assert [line for line in caplog.messages if line.startswith("Store: 1 writes") and "LOST" in line]
    server.start()
    await store.open()
    await until(lambda: counted_is(store, 700))
    await store.close()
    assert spooled(on_postgres) == []


@pytest.mark.usefixtures("impatient")
async def test_last_uses_outlive_an_outage(store: Any, server: PostgresServer) -> None:
    user = await store.users.create("ann")
    key = await store.keys.create("d" * 64, "sk-", "", user.id)
    server.stop()
    for at in (100.0, 200.0, 300.0):
        store.keys.touch(key.id, at)
        with pytest.raises(Unavailable):
            await store.usage.flush()
    server.start()
    await until(lambda: works(store.usage.flush()))
    assert (await store.keys.list())[0].last_used == 300.0


@pytest.mark.usefixtures("impatient")
async def test_whoever_awaits_is_answered_though_the_database_comes_and_goes(
    store: Any, server: PostgresServer
) -> None:
    """What was said to be done is done; of what failed nobody knows."""
    done: list[str] = []

    async def create(start: int) -> None:
        for number in range(start, 400, 8):
            with contextlib.suppress(Unavailable):
                done.append((await store.users.create(f"user{number}")).name)
            await asyncio.sleep(0.01)

    async with asyncio.timeout(LONG):
        writing = asyncio.gather(*(create(start) for start in range(8)))
        for end in (crash, freeze, stop):
            await asyncio.sleep(0.1)
            end(server)
            await asyncio.sleep(0.05)
            back(server)
        await writing
    await until(lambda: pings(store))
    assert set(done) <= {user.name for user in await store.users.list()}
    assert len(done) > 100


@pytest.mark.usefixtures("impatient")
async def test_a_frozen_database_costs_each_caller_its_time_and_no_more(store: Any, server: PostgresServer) -> None:
    server.freeze()
    began = time.monotonic()
    asked = [store.users.find(f"user{number}") for number in range(40)]
    asked += [store.users.create(f"user{number}") for number in range(40)]
    asked += [store.usage.totals([]) for _ in range(10)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert time.monotonic() - began < LONG
    server.thaw()
    await until(lambda: pings(store))


async def test_who_gives_up_waiting_harms_nobody(store: Any, server: PostgresServer) -> None:
    server.freeze()
    for _ in range(20):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.users.find("ann"), 0.01)
    server.thaw()
    await store.users.create("ann")
    assert await store.users.find("ann")


async def test_a_start_waits_for_a_database_that_starts_as_well(on_postgres: Place, server: PostgresServer) -> None:
    server.stop()
    store = on_postgres.store()
    opened = asyncio.ensure_future(store.open())
    await asyncio.sleep(0.1)
    await asyncio.to_thread(server.start)
    await opened
    assert await store.ping() is None
    await store.close()


@pytest.mark.parametrize("end", [stop, freeze])
async def test_a_start_without_a_database_is_refused_and_says_where(
    on_postgres: Place,
    server: PostgresServer,
    end: Callable[[PostgresServer], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from gateway_store_sql.postgres import pool

    monkeypatch.setattr(opening, "PATIENCE", 0.2)
    monkeypatch.setattr(pool, "CONNECT", 0.5)
    end(server)
    where = f"postgresql://127.0.0.1:{server.port}/{on_postgres.database}: .*Start PostgreSQL"
    with pytest.raises(StartupError, match=where):
        await on_postgres.store().open()


def test_a_worker_that_finds_no_database_ends_late_enough_to_be_started_again() -> None:
    assert opening.PATIENCE > workers._FAST


async def test_what_stops_a_start_is_said_with_what_to_do(on_postgres: Place, server: PostgresServer) -> None:
    nowhere = Place(on_postgres.directory, "nowhere", server)
    with pytest.raises(StartupError, match=r"nowhere.*createdb"):
        await nowhere.store().open()
    latin = server.create(more="ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(StartupError, match=r"as LATIN1.*createdb -E UTF8"):
        await Place(on_postgres.directory, latin, server).store().open()
    server.drop(latin)


async def test_a_password_that_is_wrong_is_said_and_not_shown(
    on_postgres: Place, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    from gateway_store_sql.choice import store_of
    from places import settings

    url = server.url_of(on_postgres.database or "").replace("gateway@", f"{LOCKED}:wrong-password@")
    store = store_of(settings(on_postgres.directory, url))
    with pytest.raises(StartupError, match=r"password.*Mend the user or password") as caught:
        await store.open()
    chain = [caught.value, caught.value.__cause__]
    shown = f"{chain!r} {chain} {caplog.text} {store.location} {vars(store)!r}"
    assert "wrong-password" not in shown
    assert f"127.0.0.1:{server.port}" in store.location
