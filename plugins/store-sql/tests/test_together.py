"""Works that wait are done at once and in their order; who awaits one is answered; what nobody awaits is not lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest
from gateway_store_sql import together
from gateway_store_sql.database import Database, Job
from gateway_store_sql.together import Together

from gateway import Unavailable

LOG = logging.getLogger("test.together")


class Scripted:
    """A database that fails while it is down, and can be held up in its midst. done: the works of each commit."""

    def __init__(self) -> None:
        self.down = False
        self.done: list[list[str]] = []
        self.open, self.tried, self.committed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.open.set()

    async def write(self, job: Job[Any]) -> Any:
        self.tried.set()
        await self.open.wait()
        if self.down:
            raise Unavailable("The database is down.")
        return await job(cast(Any, self))

    async def post(self, transaction: Any, works: Sequence[str]) -> Sequence[str]:
        """Works named `bad` cannot be done, nor anything together with them."""
        if "bad" in works:
            raise ValueError("bad")
        self.done.append(list(works))
        self.committed.set()
        return [work.upper() for work in works]


@pytest.fixture
def database() -> Scripted:
    return Scripted()


@pytest.fixture
async def works(database: Scripted) -> AsyncIterator[Together[str]]:
    made: Together[str] = Together(cast(Database, database), database.post, LOG, limit=5)
    made.open()
    yield made
    await made.close()


async def waiting(works: Together[str], *names: str) -> list[asyncio.Task[Any]]:
    """Behind one that holds the database up."""
    tasks = [asyncio.create_task(works.submit(name)) for name in names]
    await asyncio.sleep(0)
    return tasks


async def test_what_waits_while_another_is_done_is_done_at_once_in_its_order(
    works: Together[str], database: Scripted
) -> None:
    database.open.clear()
    [first] = await waiting(works, "first")
    await database.tried.wait()
    rest = await waiting(works, "a", "b")
    works.enqueue("c")
    rest += await waiting(works, "d")
    database.open.set()
    assert await asyncio.gather(first, *rest) == ["FIRST", "A", "B", "D"]
    assert database.done == [["first"], ["a", "b", "c", "d"]]


async def test_where_some_fail_together_each_is_done_by_itself(
    works: Together[str], database: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    works.enqueue("bad")
    tasks = await waiting(works, "a", "bad", "b")
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert (outcomes[0], outcomes[2]) == ("A", "B")
    assert isinstance(outcomes[1], ValueError)
    assert database.done == [["a"], ["b"]]
    assert "LOST" in caplog.text


async def test_while_the_database_fails_who_awaits_is_told_and_the_rest_is_kept(
    works: Together[str], database: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    database.down = True
    works.enqueue("a")
    [asked] = await waiting(works, "b")
    works.enqueue("c")
    with pytest.raises(Unavailable):
        await asked
    with pytest.raises(Unavailable):
        await works.flush()
    assert "kept and tried again" in caplog.text
    database.down = False
    await works.flush()
    assert database.done == [["a", "c"]]


async def test_what_nobody_awaits_is_done_by_itself_soon(works: Together[str], database: Scripted) -> None:
    works.enqueue("a")
    works.enqueue("b")
    await database.committed.wait()
    assert database.done == [["a", "b"]]


async def test_more_than_can_be_held_is_lost_and_told(
    works: Together[str], database: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(8):
        works.enqueue(str(number))
    await works.close()
    assert database.done == [["0", "1", "2", "3", "4"]]
    assert "the queue of writes is full" in caplog.text


async def test_closing_does_what_waits_and_refuses_what_comes(works: Together[str], database: Scripted) -> None:
    works.enqueue("a")
    await works.close()
    assert database.done == [["a"]]
    with pytest.raises(Unavailable):
        await works.submit("b")


async def test_closing_does_not_wait_for_ever_for_a_database_that_is_gone(
    works: Together[str], database: Scripted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(together, "CLOSE_PATIENCE", 0.0)
    monkeypatch.setattr(together, "BACKOFF_FIRST", 0.0)
    database.down = True
    works.enqueue("a")
    await works.close()
    assert database.done == []
    assert "LOST" in caplog.text


async def test_nobody_is_left_waiting_who_gave_up(works: Together[str], database: Scripted) -> None:
    database.open.clear()
    tasks = await waiting(works, "a", "b")
    tasks[0].cancel()
    database.open.set()
    assert await tasks[1] == "B"
    assert [name for batch in database.done for name in batch] == ["a", "b"]
