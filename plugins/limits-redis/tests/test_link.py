"""Redis away, frozen, slow or wrong: nobody waits for it for longer than is said, and it is asked again by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from gateway_limits_redis import link
from gateway_limits_redis.link import Link
from gateway_limits_redis.settings import RedisSettings
from gateway_limits_redis.strict import RedisCounters

from gateway import CountersDown, Secret, Want

WANT = [Want(b"n" * 16, 1, 10**9)]


@pytest.fixture(autouse=True)
def probes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "PROBE", 0.01)


@pytest.fixture
def comes_back(until: Any) -> Any:
    async def answers(counters: Any) -> bool:
        return counters.failure() is None and (await counters.take(WANT)).grant is not None

    return lambda counters: until(lambda: answers(counters))


async def refused(counters: Any) -> None:
    with pytest.raises(CountersDown):
        await counters.take(WANT)


async def test_a_redis_that_is_stopped_is_told_and_found_again(
    opened: Any, redis: Any, comes_back: Any, caplog: pytest.LogCaptureFixture
) -> None:
    counters = await opened()
    assert (await counters.take(WANT)).grant is not None
    redis.stop()
    await refused(counters)
    assert counters.failure() is not None
    await refused(counters)
    redis.start()
    await comes_back(counters)
    said = [record.getMessage() for record in caplog.records if record.name == "gateway.limits-redis"]
    assert ["does not answer" in said[0], "answers again" in said[-1], len(said)] == [True, True, 2]


async def test_a_frozen_redis_is_waited_for_once_and_no_longer_than_is_said(
    opened: Any, redis: Any, comes_back: Any
) -> None:
    counters = await opened(timeout=0.2)
    redis.freeze()
    first = asyncio.gather(*(refused(counters) for _ in range(20)))
    await asyncio.wait_for(first, 20)
    loop = asyncio.get_running_loop()
    began, turns = loop.time(), 0
    while turns < 1000:
        await refused(counters)
        turns += 1
    assert loop.time() - began < 1000 * 0.2 / 10, "each of them would have waited"
    redis.thaw()
    await comes_back(counters)


async def test_what_was_asked_of_a_frozen_redis_is_no_lasting_loss(
    opened: Any, redis: Any, comes_back: Any, until: Any
) -> None:
    """It takes when it goes on, for nobody; what it gives then expires."""
    slot = [Want(b"s" * 16, 1, 1, held=True)]
    counters = await opened(timeout=0.1, lease=0.4)
    redis.freeze()
    with pytest.raises(CountersDown):
        await counters.take(slot)
    redis.thaw()
    await comes_back(counters)

    async def has_one() -> bool:
        return (await counters.take(slot)).grant is not None

    await until(has_one)


async def test_a_redis_that_is_away_at_the_start_is_found_later(redis: Any, comes_back: Any) -> None:
    redis.stop()
    settings = RedisSettings(timeout=1.0)
    counters = RedisCounters(Link(Secret(redis.url), settings.timeout), settings)
    await counters.open()
    assert counters.failure() is not None
    await refused(counters)
    redis.start()
    await comes_back(counters)
    await counters.close()


@pytest.mark.parametrize("user", [":wrong-password", "nobody:wrong-password"])
async def test_refused_credentials_are_told_without_being_shown(
    redis: Any, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = RedisSettings()
    counters = RedisCounters(Link(Secret(f"redis://{user}@127.0.0.1:{redis.port}/0"), 5.0), settings)
    await counters.open()
    await refused(counters)
    shown = f"{counters.failure()} {caplog.text} {counters._link!r}"
    assert "AuthenticationError" in shown
    assert "wrong-password" not in shown
    assert str(redis.port) not in (counters.failure() or "")
    await counters.close()


async def test_a_redis_that_refuses_to_write_counts_as_away(opened: Any, redis: Any, comes_back: Any) -> None:
    counters = await opened()
    redis.client.config_set("maxmemory", "1")
    await refused(counters)
    redis.client.config_set("maxmemory", "0")
    await comes_back(counters)


async def test_what_is_given_back_while_redis_is_away_stops_nobody(opened: Any, redis: Any) -> None:
    counters = await opened(lease=0.4)
    slot = [Want(b"s" * 16, 1, 1, held=True)]
    grant = (await counters.take(slot)).grant
    redis.stop()
    grant.settle([1])
    with pytest.raises(CountersDown):
        await counters.flush()
    await counters.close()
    redis.start()
