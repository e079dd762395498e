"""What holds of a store on either database: what is awaited is durable, what is not is written soon and once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from places import Place

from gateway import Store, Unavailable, UsageRecord

Make = Callable[..., UsageRecord]

WRITE = """
async def main():
    name, until = sys.argv[3], int(sys.argv[4])
    await store.open()
    for number in range(until):
        user = await store.users.create(f"{name}-{number}")
        store.usage.append(UsageRecord(
            id=f"ex-{name}-{number}", started=1.0, duration=0.0, status=200, outcome="complete",
            operation="generate", dialect="d", user_id=user.id))
        await store.usage.flush()
        print(number, flush=True)
    await store.close()
asyncio.run(main())
"""


async def test_what_was_awaited_survives_a_kill(place: Place) -> None:
    process = place.running(WRITE, "a", str(10**8))
    assert process.stdout
    printed = [int(process.stdout.readline()) for _ in range(30)]
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read().split("\n")[:-1]
    process.wait()
    process.stdout.close()
    last = int(rest[-1]) if rest else printed[-1]
    store = place.store()
    await store.open()
    assert {f"a-{number}" for number in range(last + 1)} <= {user.name for user in await store.users.list()}
    kept = {record.id for record in await store.usage.records(10**6)}
    assert {f"ex-a-{number}" for number in range(last + 1)} <= kept
    await store.close()


async def test_processes_write_at_once_and_none_waits_in_vain(place: Place) -> None:
    running = [place.running(WRITE, name, "60") for name in "abcd"]
    for process in running:
        assert len(process.communicate()[0].split()) == 60
        assert process.returncode == 0
    store = place.store()
    await store.open()
    assert len(await store.users.list()) == 4 * 60
    assert (await store.usage.totals([]))[0].exchanges == 4 * 60
    assert await store.keys.revision() == 1 + 4 * 60
    await store.close()


async def test_a_job_that_fails_leaves_the_others_of_its_batch(store: Store) -> None:
    names = [f"user{number % 5}" for number in range(40)]
    outcomes = await asyncio.gather(*(store.users.create(name) for name in names), return_exceptions=True)
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 5
    assert len(await store.users.list()) == 5


async def test_a_job_with_a_defect_raises_it_changes_nothing_and_the_others_go_on(store: Any) -> None:
    async def broken(transaction: Any) -> None:
        await transaction.rows(
            "INSERT INTO users (id, name, email, role, team_names, created) VALUES ('x', 'x', '', '', '[]', 0)"
        )
        raise KeyError("a defect")

    written = [store._database.write(broken) for _ in range(10)]
    made = [store.users.create(f"user{number}") for number in range(10)]
    outcomes = await asyncio.gather(
        *(one for pair in zip(written, made, strict=True) for one in pair), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes[::2]] == [KeyError] * 10
    assert await store.users.find("x") is None
    assert len(await store.users.list()) == 10


async def test_what_the_database_refuses_of_a_job_is_that_jobs_alone(store: Any) -> None:
    async def refused(transaction: Any) -> None:
        await transaction.rows(
            "INSERT INTO users (id, name, email, role, team_names, created) VALUES ('y', 'y', '', '', '[]', 0)"
        )
        await transaction.rows(
            "INSERT INTO users (id, name, email, role, team_names, created) VALUES ('y', 'z', '', '', '[]', 0)"
        )

    write = store._database.write
    outcomes = await asyncio.gather(
        *(write(refused) for _ in range(10)), store.users.create("ann"), return_exceptions=True
    )
    assert all(isinstance(outcome, Exception) and not isinstance(outcome, Unavailable) for outcome in outcomes[:10])
    assert [user.name for user in await store.users.list()] == ["ann"]


async def test_a_job_that_nobody_awaits_is_done_in_its_turn_and_its_fault_is_told(
    store: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def renamed(to: str) -> Callable[..., object]:
        async def update(transaction: Any) -> None:
            await transaction.rows("UPDATE users SET role = ?1", (to,))
            if to == "7":
                raise KeyError("a defect")

        return update

    await store.users.create("ann")
    for number in range(100):
        assert store._database.enqueue(renamed(str(number)))
    store._database.enqueue(renamed("7"))
    await store.usage.flush()
    assert (await store.users.list())[0].role == "99"
    assert [line for line in caplog.messages if "KeyError" in line]


async def test_closing_commits_what_was_enqueued(place: Place, record: Make) -> None:
    store = place.store()
    await store.open()
    for number in range(1000):
        store.usage.append(record(f"ex{number}"))
    await store.close()
    await store.open()
    assert (await store.usage.totals([]))[0].exchanges == 1000
    await store.users.create("after")
    await store.close()


async def test_a_record_that_cannot_be_written_leaves_the_others_of_its_statement(
    place: Place, record: Make, caplog: pytest.LogCaptureFixture
) -> None:
    store = place.store()
    await store.open()
    bad = {3: {"operation": None}, 50: {"started": float("nan")}, 64: {"status": 2**63}, 90: {"outcome": None}}
    for number in range(100):
        store.usage.append(record(f"ex{number}", **bad.get(number, {})))
    await store.usage.flush()
    kept = {found.id for found in await store.usage.records(1000)}
    assert kept == {f"ex{number}" for number in range(100) if number not in bad}
    await store.close()
    assert sum(int(line.split()[1]) for line in caplog.messages if "LOST" in line) == len(bad)


async def test_records_are_written_soon_though_nobody_asks(store: Store, record: Make) -> None:
    for number in range(100):
        store.usage.append(record(f"ex{number}"))
    while len(await store.usage.records(1000)) < 100:  # noqa: ASYNC110 - the test's time limit ends it
        await asyncio.sleep(0.01)


async def test_appending_waits_for_no_batch_that_is_being_written(store: Store, record: Make) -> None:
    """Whatever is appended while others are taken, written or waited for is written once."""

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


async def test_a_closed_store_refuses(place: Place, record: Make) -> None:
    store = place.store()
    with pytest.raises(Unavailable):
        await store.keys.revision()
    await store.open()
    await store.close()
    with pytest.raises(Unavailable):
        await store.users.create("late")
    with pytest.raises(Unavailable):
        await store.users.list()
    with pytest.raises(Unavailable):
        await store.usage.flush()
    await store.close()


async def test_a_store_that_is_open_answers_a_ping(store: Store) -> None:
    assert await store.ping() is None


def test_nothing_is_made_before_the_store_is_opened(place: Place, directory: Path) -> None:
    store = place.store()
    assert not directory.exists()
    assert store.name == place.name
    assert store.shared == (place.database is not None)
