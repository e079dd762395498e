"""What agents' runs leave behind, in both databases and in memory; and what becomes of it with time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from gateway_store_sql.runs import MONTH
from places import Place

from gateway import Conflict, Store, UsageRecord
from gateway.runs import LOST, KeptTurn, MadeCall, MemoryRuns, RunRecord, Runs

NOW = 1_800_000_000.5


@pytest.fixture(params=["on_sqlite", "on_postgres", "memory"])
def kept_in(request: pytest.FixtureRequest) -> Store | None:
    return None if request.param == "memory" else request.getfixturevalue(request.param).store()


@pytest.fixture
async def runs(kept_in: Any) -> AsyncIterator[Runs]:
    if kept_in is None:
        yield MemoryRuns()
        return
    await kept_in.open()
    yield kept_in.runs
    await kept_in.close()


def run(name: str = "ex_1", user: str = "usr_1", **more: Any) -> RunRecord:
    return RunRecord(name, user, "agent_1", NOW, **{"request_id": "req_1", **more})


async def test_a_turn_is_given_to_its_user_alone_until_it_expires(runs: Runs) -> None:
    now, later = time.time(), time.time() + 1000
    turn = KeptTurn("t1", "usr_1", b'[{"role":"user"}]\xc3\xa9', later)
    await runs.keep(turn)
    await runs.keep(KeptTurn("t2", "usr_2", b"[]", later))
    assert list(await runs.kept("usr_1", ["t1", "t2", "t3"], now)) == [turn]
    assert list(await runs.kept("usr_2", ["t1"], now)) == []
    assert list(await runs.kept("usr_1", ["t1"], later)) == []


async def test_of_several_who_take_a_turn_one_has_it(runs: Runs) -> None:
    now, later = time.time(), time.time() + 1000
    first, second = (KeptTurn("t1", "usr_1", payload, later) for payload in (b"[1]", b"[2]"))
    assert sorted(await asyncio.gather(runs.take(first), runs.take(second))) == [False, True]
    assert not await runs.take(KeptTurn("t1", "usr_2", b"[]", later))
    [kept] = await runs.kept("usr_1", ["t1"], now)
    assert kept in (first, second)
    await runs.keep(KeptTurn("t1", "usr_1", b"[3]", later))
    assert [turn.payload for turn in await runs.kept("usr_1", ["t1"], now)] == [b"[3]"]


async def test_a_run_is_told_with_its_calls_in_their_order(runs: Runs) -> None:
    await runs.calling(run(), MadeCall("c1", "note", NOW + 1), NOW + 30)
    await runs.calling(run(), MadeCall("c2", "send", NOW + 2), NOW + 30)
    await runs.called("ex_1", "c1", "answered", NOW + 3)
    found = await runs.get("usr_1", "ex_1", NOW + 4)
    calls = (MadeCall("c1", "note", NOW + 1, "answered", NOW + 3), MadeCall("c2", "send", NOW + 2))
    assert found == run(calls=calls)
    await runs.ended("ex_1", "cancelled", "", NOW + 5)
    ended = await runs.get("usr_1", "ex_1", NOW + 6)
    assert ended is not None
    assert (ended.state, ended.ended) == ("cancelled", NOW + 5)
    assert [call.state for call in ended.calls] == ["answered", "unknown"]


async def test_nobody_sees_another_users_run(runs: Runs) -> None:
    await runs.calling(run(), MadeCall("c1", "note", NOW), NOW + 30)
    assert await runs.get("usr_2", "ex_1", NOW) is None
    assert list(await runs.list("usr_2", NOW)) == []
    assert await runs.get("usr_1", "ex_2", NOW) is None


async def test_they_are_listed_newest_first_and_by_request(runs: Runs) -> None:
    for number in (1, 2, 3):
        one = RunRecord(f"ex_{number}", "usr_1", "agent_1", NOW + number, f"req_{number % 2}")
        await runs.calling(one, MadeCall("c", "note", NOW), NOW + 90)
    assert [one.id for one in await runs.list("usr_1", NOW)] == ["ex_3", "ex_2", "ex_1"]
    assert [one.id for one in await runs.list("usr_1", NOW, "req_1")] == ["ex_3", "ex_1"]
    assert [one.id for one in await runs.list("usr_1", NOW, limit=1)] == ["ex_3"]


async def test_a_run_that_nobody_renews_has_failed(store: Store) -> None:
    runs = store.runs
    assert runs is not None
    for name in ("ex_1", "ex_2", "ex_3"):
        await runs.calling(run(name), MadeCall(f"{name}_1", "note", NOW), NOW + 30)
    await runs.ended("ex_3", "completed", "", NOW + 1)
    await runs.renew(["ex_2", "ex_3"], NOW + 60)
    assert [one.state for one in await runs.list("usr_1", NOW + 29)] == ["completed", "running", "running"]
    found = {one.id: one for one in await runs.list("usr_1", NOW + 31)}
    assert [found[name].state for name in sorted(found)] == ["failed", "running", "completed"]
    lost = found["ex_1"]
    assert (lost.error, lost.ended, lost.calls[0].state) == (LOST, NOW + 31, "unknown")
    assert (await runs.get("usr_1", "ex_2", NOW + 61) or lost).state == "failed"


async def test_one_that_was_given_up_and_lives_has_the_last_word(store: Store) -> None:
    runs = store.runs
    assert runs is not None
    await runs.calling(run(), MadeCall("c1", "note", NOW), NOW + 30)
    assert (await runs.get("usr_1", "ex_1", NOW + 31) or run()).state == "failed"
    await runs.called("ex_1", "c1", "answered", NOW + 32)
    await runs.ended("ex_1", "completed", "", NOW + 33)
    found = await runs.get("usr_1", "ex_1", NOW + 34)
    assert found is not None
    assert (found.state, found.error, found.calls[0].state) == ("completed", "", "answered")


async def test_a_restart_keeps_what_waits_and_forgets_what_nobody_may_ask_for(place: Place) -> None:
    now, old = time.time(), time.time() - MONTH - 1
    store = place.store()
    await store.open()
    runs = store.runs
    assert runs is not None
    await runs.keep(KeptTurn("late", "usr_1", b"[]", now + 1000))
    for began, name in ((now, "ex_new"), (old, "ex_old")):
        await runs.calling(RunRecord(name, "usr_1", "a", began), MadeCall("c1", "note", began), began + 30)
    await store.close()
    place.sql(f"INSERT INTO kept_turns VALUES ('gone', 'usr_1', '[]', {now - 1})")
    again = place.store()
    await again.open()
    assert again.runs is not None
    assert [turn.id for turn in await again.runs.kept("usr_1", ["late", "gone"], 0.0)] == ["late"]
    assert [one.id for one in await again.runs.list("usr_1", now)] == ["ex_new"]
    await again.close()


async def test_names_that_no_database_can_hold_are_nobodys(store: Store) -> None:
    assert store.runs is not None
    assert await store.runs.get("usr_1", "ex_\0", NOW) is None
    assert list(await store.runs.list("usr_1", NOW, "\ud800")) == []
    odd = RunRecord("ex_1", "usr_1", "agent\0", NOW, "req\ud800")
    await store.runs.calling(odd, MadeCall("c1", "note\0", NOW), NOW + 30)
    assert (await store.runs.get("usr_1", "ex_1", NOW) or odd).agent == "agent�"


async def test_a_childs_record_names_its_parent(store: Store) -> None:
    for name, parent in (("ex_1", ""), ("ex_2", "ex_1")):
        store.usage.append(UsageRecord(name, NOW, 1.0, 200, "complete", "generate", "openai-chat", parent=parent))
    await store.usage.flush()
    assert {record.id: record.parent for record in await store.usage.records()} == {"ex_1": "", "ex_2": "ex_1"}


async def test_a_call_is_made_once_whoever_makes_it(runs: Runs) -> None:
    await runs.calling(run(), MadeCall("c1", "note", NOW), NOW + 30)
    with pytest.raises(Conflict):
        await runs.calling(run(), MadeCall("c1", "note", NOW + 1), NOW + 31)
    found = await runs.get("usr_1", "ex_1", NOW)
    assert found is not None
    assert found.calls == (MadeCall("c1", "note", NOW),)


async def test_a_run_that_is_taken_up_runs_and_knows_what_was_called(store: Store) -> None:
    runs = store.runs
    assert runs is not None
    await runs.calling(run(), MadeCall("c1", "note", NOW + 1), NOW + 30)
    await runs.calling(run(), MadeCall("c2", "note", NOW + 2), NOW + 30)
    await runs.called("ex_1", "c1", "answered", NOW + 3)
    assert (await runs.get("usr_1", "ex_1", NOW + 31) or run()).state == "failed"
    taken = await runs.take_up("ex_1", NOW + 90)
    assert taken is not None
    assert (taken.state, taken.error, taken.ended) == ("running", "", None)
    assert [call.state for call in taken.calls] == ["answered", "unknown"]
    assert (await runs.get("usr_1", "ex_1", NOW + 89) or taken) == taken
    assert await runs.take_up("ex_2", NOW + 90) is None
