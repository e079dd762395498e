"""A slice of a rate at a time: rarely does a request wait for Redis, and what may be too much is known."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from gateway_limits_redis.slices import Slices
from hypothesis import given
from hypothesis import strategies as st

from gateway import Want

SECOND = 1_000_000
MONTH = 30 * 86400 * SECOND
UNIT = MONTH // 100
SLICE = 10


def rate(units: int = 1, name: bytes = b"r" * 16) -> Want:
    """A hundred a month, of which a slice is ten."""
    return Want(name, units * UNIT, 100 * UNIT)


async def flood(processes: list[Any], times: int = 200) -> int:
    """How many are let through when all processes ask in turns."""
    let = 0
    for turn in range(times):
        let += (await processes[turn % len(processes)].take([rate()])).grant is not None
    return let


def asked(redis: Any) -> int:
    stats = redis.client.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {"calls": 0})["calls"])


@pytest.fixture
async def sliced(opened: Any) -> Any:
    async def go(**fields: Any) -> Any:
        return await opened(mode="lease", slice=SLICE / 100, hold=3600.0, **fields)

    return go


async def test_the_limit_is_met_and_redis_is_asked_once_a_slice(sliced: Any, redis: Any) -> None:
    one = await sliced()
    before = asked(redis)
    assert [(await one.take([rate()])).grant is not None for _ in range(100)] == [True] * 100
    assert asked(redis) - before == 10
    assert (await one.take([rate()])).grant is None


@pytest.mark.parametrize("count", [1, 4])
async def test_each_process_exceeds_a_rate_by_one_slice_at_most_and_may_do_so(
    sliced: Any, redis: Any, count: int
) -> None:
    """Whatever they have taken ahead was counted in a time that is over once the rate has drained."""
    processes = [await sliced() for _ in range(count)]
    for process in processes:
        assert (await process.take([rate()])).grant is not None
    redis.client.delete(*redis.client.keys("*rate*"))
    let = await flood(processes, times=400)
    assert 100 < let == 100 + count * (SLICE - 1) <= 100 + count * SLICE


async def test_several_that_ask_at_a_time_get_no_more_than_one_slice_ahead(sliced: Any) -> None:
    one = await sliced()
    taken = await asyncio.gather(*(one.take([rate()]) for _ in range(9)))
    assert all(each.grant for each in taken)
    ahead = [left for _, left in one.slices.over(everything=True)]
    assert ahead == [SLICE * UNIT]
    one.change(rate(), -ahead[0])
    await one.flush()
    other = await sliced()
    assert round((await other.take([rate(0)])).used[0] / UNIT) == 9


async def test_what_is_not_used_is_given_back_after_a_while(opened: Any, until: Any) -> None:
    one, other = [await opened(mode="lease", slice=1.0, hold=0.05) for _ in range(2)]
    assert (await one.take([rate()])).grant is not None

    async def has_the_rest() -> bool:
        return (await other.take([rate(99)])).grant is not None

    await until(has_the_rest)
    assert (await other.take([rate()])).grant is None


async def test_a_process_that_ends_gives_back_what_it_has_not_used(opened: Any, sliced: Any) -> None:
    one, other = await sliced(), await opened()
    await one.take([rate()])
    await one.close()
    await one.open()
    assert round((await other.take([rate()])).used[0] / UNIT) == 2


async def test_what_is_left_is_known_without_asking(sliced: Any) -> None:
    one = await sliced()
    seen = [(await one.take([rate()])).used[0] for _ in range(25)]
    assert [round(used / UNIT) for used in seen] == list(range(1, 26))


async def test_of_slots_there_is_never_one_too_many(sliced: Any) -> None:
    one, other = await sliced(), await sliced()
    slot = Want(b"s" * 16, 1, 3, held=True)
    held = [(await process.take([rate(), slot])).grant for process in (one, other, one)]
    assert all(held)
    assert (await other.take([rate(), slot])).grant is None
    held[0].settle([rate().cost, 1])
    await one.flush()
    assert (await other.take([rate(), slot])).grant


async def test_a_refusal_leaves_a_slice_as_it_was(sliced: Any) -> None:
    one = await sliced()
    assert (await one.take([rate()])).grant
    full = Want(b"f" * 16, 2, 1)
    taken = await one.take([rate(), full])
    assert (taken.grant, round(taken.used[0] / UNIT)) == (None, 1)
    assert round((await one.take([rate()])).used[0] / UNIT) == 2


async def test_tokens_come_to_what_was_used(sliced: Any, opened: Any) -> None:
    one, other = await sliced(), await opened()
    grant = (await one.take([rate(40)])).grant
    grant.settle([rate(3).cost])
    await one.flush()
    assert round((await other.take([rate(0)])).used[0] / UNIT) == 3


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("spend"), st.integers(0, 30)),
        st.tuples(st.just("add"), st.integers(0, 30)),
        st.tuples(st.just("back"), st.integers(0, 30)),
        st.tuples(st.just("pass"), st.integers(0, 12)),
        st.tuples(st.just("over"), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS)
def test_what_goes_in_comes_out_and_never_is_more_than_a_slice_ahead(steps: list[tuple[str, int]]) -> None:
    """In units: a slice is 10 of 100, held for 10."""
    now = [0]
    slices, ahead = Slices(0.1, 10, lambda: now[0]), 0
    for step, number in steps:
        want = Want(b"n" * 16, number, 100)
        if step == "spend" and slices.spend(want) is not None:
            ahead -= number
        elif step == "add":
            given = max(number, slices.wish(want))
            ahead += given - number - slices.add(want, given, 50)
        elif step == "back":
            ahead += number - slices.back(want)
        elif step == "pass":
            now[0] += number
        elif step == "over":
            ahead -= sum(left for _, left in slices.over())
        assert 0 <= ahead <= 10
    assert ahead == sum(left for _, left in slices.over(everything=True))
