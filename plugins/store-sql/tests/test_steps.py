"""A run in the background is taken up by one process, from its last step, and is nobody else's from then on."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from places import Place

from gateway import Conflict, KeptResponse, Owner, Responses, RunStep, Store, TakenUp

ANN = Owner("usr_ann")
MARK = b": taken up\n\n"
KEEP, MOST = 2, 3
FRAMES = [(n, b"frame %d" % n) for n in range(6)]


def of(store: Store) -> Responses:
    assert store.responses is not None
    return store.responses


def run(term: int = 0) -> KeptResponse:
    return KeptResponse(
        id="r",
        owner=ANN,
        dialect="d",
        model="m",
        status="queued",
        background=True,
        created=1.0,
        expires=900.0,
        beat=100.0,
        input=b"[]",
        reply=b"{}",
        term=term,
    )


async def taken_up(store: Store, before: float = 150.0) -> TakenUp | None:
    return await of(store).take_up("r", before, 200.0, MARK, KEEP, MOST)


async def told(store: Store) -> list[bytes]:
    return [frame for _, frame in await of(store).frames(ANN, "r", -1, 200.0)]


async def test_it_goes_on_behind_its_last_step(store: Store) -> None:
    await of(store).put(run(), b"asked")
    await of(store).write("r", FRAMES[:2], 101.0, 0, RunStep(0, b"begun"))
    await of(store).write("r", FRAMES[2:4], 102.0, 0, RunStep(1, b"turn"))
    await of(store).write("r", FRAMES[4:], 103.0)
    taken = await taken_up(store)
    assert taken is not None
    assert (taken.asked, taken.steps, taken.newest, taken.response.term) == (b"asked", [b"begun", b"turn"], 6, 1)
    assert await told(store) == [*(frame for _, frame in FRAMES[:4]), MARK]
    assert await of(store).write("r", [(7, b"more")], 201.0, 1, RunStep(2, b"result")) == "in_progress"
    assert (await told(store))[-1] == b"more"


async def test_the_first_frames_stay_in_any_case(store: Store) -> None:
    await of(store).put(run(), b"asked")
    await of(store).write("r", [], 101.0, 0, RunStep(0, b"begun"))
    await of(store).write("r", FRAMES, 102.0)
    assert await taken_up(store) is not None
    assert await told(store) == [b"frame 0", b"frame 1", MARK]


async def test_one_of_many_takes_it_up(store: Store) -> None:
    await of(store).put(run(), b"asked")
    await of(store).write("r", [], 101.0, 0, RunStep(0, b"begun"))
    found = await asyncio.gather(*(taken_up(store) for _ in range(8)))
    assert len([one for one in found if one is not None]) == 1


async def test_who_ran_it_before_writes_and_ends_nothing_any_more(store: Store) -> None:
    await of(store).put(run(), b"asked")
    await of(store).write("r", FRAMES[:2], 101.0, 0, RunStep(0, b"begun"))
    assert await taken_up(store) is not None
    for step in (None, RunStep(1, b"turn")):
        with pytest.raises(Conflict):
            await of(store).write("r", [(9, b"late")], 300.0, 0, step)
    assert await of(store).finish(run()) == "in_progress"
    await of(store).leave(run())
    assert await taken_up(store) is None
    assert b"late" not in await told(store)


async def test_what_is_left_is_there_to_be_taken_up_at_once(store: Store) -> None:
    await of(store).put(run(), b"asked")
    await of(store).write("r", [], 101.0, 0, RunStep(0, b"begun"))
    assert await taken_up(store, before=50.0) is None
    await of(store).leave(run())
    assert [one.id for one in await of(store).abandoned(50.0)] == ["r"]
    assert await taken_up(store, before=50.0) is not None


@pytest.mark.parametrize("steps", [[], [False], [True, False]], ids=["none", "unsafe", "unsafe_last"])
async def test_without_a_safe_step_at_its_end_nobody_takes_it_up(store: Store, steps: list[bool]) -> None:
    await of(store).put(run(), b"asked")
    for number, safe in enumerate(steps):
        await of(store).write("r", [], 101.0, 0, RunStep(number, b"", safe))
    assert await taken_up(store) is None
    if steps:
        await of(store).write("r", [], 101.0, 0, RunStep(len(steps), b"turn"))
        assert await taken_up(store) is not None


async def test_what_was_kept_without_what_it_was_asked_is_not_taken_up(store: Store) -> None:
    await of(store).put(run())
    await of(store).write("r", [], 101.0, 0, RunStep(0, b"begun"))
    assert await taken_up(store) is None


async def test_it_is_taken_up_a_few_times_unless_it_comes_to_more(store: Store) -> None:
    await of(store).put(run(), b"asked")
    await of(store).write("r", [], 101.0, 0, RunStep(0, b"begun"))
    for term in range(1, MOST + 1):
        assert await taken_up(store) is not None
        await of(store).leave(run(term))
    assert await taken_up(store) is None
    await of(store).write("r", [], 101.0, MOST, RunStep(1, b"turn"))
    assert await taken_up(store) is not None


async def test_its_end_leaves_no_step_and_nothing_of_what_it_was_asked(store: Store, place: Place) -> None:
    await of(store).put(run(), b"asked")
    await of(store).write("r", [], 101.0, 0, RunStep(0, b"begun"))
    await of(store).finish(msgspec.structs.replace(run(), status="completed"))
    assert place.sql("SELECT * FROM response_steps") == []
    assert place.sql("SELECT id FROM responses WHERE asked IS NOT NULL") == []


async def test_deletion_and_expiry_leave_no_step(store: Store, place: Place) -> None:
    for end in (lambda: of(store).delete(ANN, "r"), lambda: of(store).purge(900.0)):
        await of(store).put(run(), b"asked")
        await of(store).write("r", [], 101.0, 0, RunStep(0, b"begun"))
        await end()
        assert place.sql("SELECT * FROM response_steps") == []
