"""Each take asks Redis: exact over all who ask, and nothing in it has to be cleared by hand."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway import Want

SECOND = 1_000_000
MONTH = 30 * 86400 * SECOND
RATE, SLOTS = b"gateway", b"slots"


def rate(units: int = 1, limit: int = 10, window: int = MONTH, name: bytes = b"r" * 16) -> Want:
    return Want(name, units * (window // limit), limit * (window // limit))


def slot(most: int = 2, name: bytes = b"s" * 16) -> Want:
    return Want(name, 1, most, held=True)


async def grants(counters: Any, *wants: Want, times: int = 1) -> list[Any]:
    return [taken.grant for taken in await asyncio.gather(*(counters.take(wants) for _ in range(times)))]


async def is_let(counters: Any, *wants: Want) -> bool:
    return (await counters.take(wants)).grant is not None


def units_used(taken: Any) -> list[int]:
    """Whole shares of a tenth of a month; time that passes meanwhile is too short to matter."""
    return [round(used / (MONTH // 10)) for used in taken.used]


async def test_all_processes_count_together_and_none_too_many(opened: Any) -> None:
    processes = [await opened() for _ in range(4)]
    each = await asyncio.gather(*(grants(one, rate(limit=100), times=64) for one in processes))
    assert sum(grant is not None for process in each for grant in process) == 100


async def test_slots_are_counted_together_and_come_back(opened: Any) -> None:
    one, other = await opened(), await opened()
    held = [*await grants(one, slot()), *await grants(other, slot())]
    assert all(held)
    assert await grants(one, slot()) == [None]
    held[1].settle([1])
    await other.flush()
    assert all(await grants(one, slot()))


async def test_all_or_nothing_is_taken(opened: Any) -> None:
    counters = await opened()
    assert all(await grants(counters, rate(10, name=b"a" * 16)))
    taken = await counters.take([slot(), rate(3), rate(1, name=b"a" * 16)])
    assert (taken.grant, units_used(taken)) == (None, [0, 0, 10])
    assert all(await grants(counters, slot(), rate(10)))


async def test_what_was_set_aside_comes_to_what_was_used(opened: Any) -> None:
    counters, other = await opened(), await opened()
    [grant] = await grants(counters, rate(8))
    assert await grants(other, rate(3)) == [None]
    grant.settle([rate(2).cost])
    await counters.flush()
    assert units_used(await other.take([rate(3)])) == [5]
    [grant] = await grants(other, rate(1))
    grant.settle([rate(25).cost])
    await other.flush()
    taken = await counters.take([rate()])
    assert (taken.grant, units_used(taken)) == (None, [30])


async def test_what_is_given_back_is_sent_without_being_asked(opened: Any, until: Any) -> None:
    counters, other = await opened(), await opened()
    [grant] = await grants(counters, slot(1), rate(10))
    grant.settle([1, 0])
    await until(lambda: is_let(other, slot(1), rate(10)))


async def test_a_rate_drains_by_redis_own_clock(opened: Any, until: Any) -> None:
    counters = await opened()
    fast = Want(b"f" * 16, SECOND // 100, SECOND // 100)
    assert all(await grants(counters, fast))
    await until(lambda: is_let(counters, fast))


async def test_what_a_killed_process_held_comes_back_by_itself(opened: Any, until: Any) -> None:
    killed, other = await opened(lease=0.4), await opened(lease=0.4)
    assert all(await grants(killed, slot(1)))
    for task in killed._tasks:
        task.cancel()
    await until(lambda: is_let(other, slot(1)))


async def test_a_lease_is_renewed_until_it_is_given_back(opened: Any, redis: Any) -> None:
    counters = await opened(lease=3600)
    [grant] = await grants(counters, slot())
    [key] = redis.client.keys("*slots*")
    [(holder, before)] = redis.client.zrange(key, 0, -1, withscores=True)
    redis.client.zadd(key, {holder: before - 3000 * SECOND})
    await counters.renew()
    assert redis.client.zscore(key, holder) >= before
    grant.settle([1])
    await counters.renew()
    await counters.flush()
    assert redis.client.zcard(key) == 0


async def test_renewal_goes_by_itself(opened: Any, redis: Any, until: Any) -> None:
    counters = await opened(lease=0.4)
    await grants(counters, slot())
    [key] = redis.client.keys("*slots*")
    [(holder, first)] = redis.client.zrange(key, 0, -1, withscores=True)

    async def is_later() -> bool:
        return bool(redis.client.zscore(key, holder) > first)

    await until(is_later)


async def test_slots_are_there_again_after_redis_lost_everything(opened: Any, redis: Any) -> None:
    counters, other = await opened(), await opened()
    assert all(await grants(counters, slot(2), times=2))
    redis.client.flushall()
    await counters.renew()
    assert await grants(other, slot(2)) == [None]


async def test_scripts_that_redis_has_forgotten_are_sent_again(opened: Any, redis: Any) -> None:
    counters = await opened()
    for _ in range(2):
        redis.client.script_flush()
        [grant] = await grants(counters, rate(), slot())
        grant.settle([0, 1])
        await counters.flush()
    assert counters.failure() is None


async def test_nothing_stays_in_redis_for_longer_than_it_means_something(opened: Any, redis: Any) -> None:
    counters = await opened(lease=60)
    await grants(counters, rate(window=3600 * SECOND), slot())
    [rates], [slots] = redis.client.keys("*rate*"), redis.client.keys("*slots*")
    assert 0 < redis.client.pttl(rates) <= 3_601_000
    assert 0 < redis.client.pttl(slots) <= 61_000
    assert redis.client.get(rates).isdigit(), "no digit of a time may be lost"


async def test_gateways_of_other_prefixes_have_counts_of_their_own(opened: Any) -> None:
    one, other = await opened(prefix="one"), await opened(prefix="other")
    assert all(await grants(one, rate(10)))
    assert all(await grants(other, rate(10)))


async def test_many_are_given_back_and_renewed_at_a_time(opened: Any, redis: Any) -> None:
    counters = await opened()
    held = await grants(counters, slot(5000), times=1200)
    await counters.renew()
    [key] = redis.client.keys("*slots*")
    assert redis.client.zcard(key) == 1200
    for grant in held:
        grant.settle([1])
    await counters.flush()
    assert redis.client.zcard(key) == 0
