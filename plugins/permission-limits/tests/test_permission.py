"""What a call takes of the limits that are for it, what it gives back, and what callers are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from gateway_permission_limits.permission import LimitsPermission, spoken
from gateway_permission_limits.rules import Rule
from gateway_permission_limits.settings import Limit

from gateway import Lease, RateLimited, Usage

Made = Callable[..., Awaitable[LimitsPermission]]


@pytest.fixture
def made(opened: Any, time: Any) -> Made:
    """`await made({"per": "key", "requests": 1}, …)`: a permission over memory of its own."""

    async def go(*limits: dict[str, Any], scope: Any = "exchange", counters: Any = None) -> LimitsPermission:
        rules = [Rule(msgspec.convert(limit, Limit)) for limit in limits]
        counted = counters or await opened(directory=None)
        return LimitsPermission(scope, rules, counted, 1000, lambda: time.wall)

    return go


async def passes(permission: LimitsPermission, exchange: Any, attempt: Any = None) -> bool:
    try:
        await permission.check(exchange, attempt)
    except RateLimited:
        return False
    return True


def left(exchange: Any) -> dict[str, tuple[int, int]]:
    return {one.of: (one.remaining, one.limit) for one in exchange.allowances}


async def test_each_caller_has_a_count_of_its_own(made: Made, asked: Any) -> None:
    permission = await made({"per": "key", "requests": 2})
    assert [await passes(permission, asked(key_id="a")) for _ in range(3)] == [True, True, False]
    assert await passes(permission, asked(key_id="b"))


async def test_without_a_subject_all_count_together(made: Made, asked: Any) -> None:
    permission = await made({"requests": 2})
    assert [await passes(permission, asked(key_id=name, user_id=name)) for name in "abc"] == [True, True, False]


async def test_every_limit_holds_and_a_refusal_takes_of_none(made: Made, asked: Any) -> None:
    permission = await made({"per": "user", "requests": 5}, {"per": "key", "requests": 1})
    assert await passes(permission, asked(key_id="a"))
    for _ in range(10):
        assert not await passes(permission, asked(key_id="a"))
    assert [await passes(permission, asked(key_id=name)) for name in "bcdef"] == [True] * 4 + [False]


async def test_a_refusal_says_what_is_reached_and_when_to_come_again(made: Made, asked: Any, time: Any) -> None:
    permission = await made({"per": ["key", "role"], "requests": 2, "window": 60})
    assert [await passes(permission, asked()) for _ in range(2)] == [True, True]
    time.pass_(0.5)
    with pytest.raises(RateLimited) as caught:
        await permission.check(asked(), None)
    assert caught.value.retry_after == 30
    assert caught.value.public == (
        "The limit of 2 requests in 1 min for this key and this role is reached. Try again in 30 s."
    )
    time.pass_(29.5)
    assert await passes(permission, asked())


async def test_of_several_limits_the_longest_in_the_way_is_told(made: Made, asked: Any) -> None:
    permission = await made(
        {"per": "key", "requests": 1, "window": 10}, {"per": "user", "requests": 1, "window": 3600}, {"concurrency": 1}
    )
    assert await passes(permission, asked())
    with pytest.raises(RateLimited, match="for this user") as caught:
        await permission.check(asked(), None)
    assert caught.value.retry_after == 3600


async def test_what_is_left_is_told_of_requests_and_of_tokens(made: Made, asked: Any, time: Any) -> None:
    permission = await made({"per": "key", "requests": 10, "tokens": 5000, "window": 50, "concurrency": 9})
    exchange = asked(body=b"x" * 400, max_output=900)
    await permission.check(exchange, None)
    assert left(exchange) == {"requests": (9, 10), "tokens": (4000, 5000)}
    assert [(one.of, one.reset, one.at) for one in exchange.allowances] == [
        ("requests", 5.0, time.wall),
        ("tokens", 10.0, time.wall),
    ]


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({"body": b"x" * 41, "max_output": 89}, 11 + 89),
        ({"body": b"x" * 40, "max_output": 30, "choices": 3}, 10 + 90),
        ({"body": b"x" * 40}, 10 + 1000),
        ({"body": b"x" * 40, "kind": "media"}, 10),
        ({"body": b"", "max_output": 0}, 0),
    ],
)
async def test_what_a_call_may_come_to_is_set_aside(
    made: Made, asked: Any, fields: dict[str, Any], tokens: int
) -> None:
    permission = await made({"per": "key", "tokens": 10_000})
    exchange = asked(**fields)
    await permission.check(exchange, None)
    assert left(exchange) == {"tokens": (10_000 - tokens, 10_000)}


@pytest.mark.parametrize(
    ("usages", "tokens"),
    [
        ([Usage(input=10, cache_read=20, output=30, reasoning=5)], 60),
        ([Usage(input=10, output=5), Usage(input=10, output=90)], 115),
        ([Usage(input=4000, output=4000)], 8000),
        ([Usage()], 0),
        ([], 0),
    ],
)
async def test_at_the_end_it_comes_to_what_was_used(
    made: Made, asked: Any, tried: Any, usages: list[Usage], tokens: int
) -> None:
    permission = await made({"per": "key", "tokens": 10_000})
    exchange, after = asked(body=b"x" * 400, max_output=900), asked(body=b"", max_output=0)
    lease = await permission.check(exchange, None)
    assert isinstance(lease, Lease)
    for usage in usages:
        tried(exchange).usage = usage
    lease.settle("complete")
    await permission.check(after, None)
    assert left(after) == {"tokens": (10_000 - tokens, 10_000)}


async def test_a_call_that_may_come_to_more_than_there_ever_is_waits_for_all_of_it(
    made: Made, asked: Any, tried: Any, time: Any
) -> None:
    permission = await made({"per": "key", "tokens": 1000})
    assert await passes(permission, asked(body=b"x" * 40, max_output=0))
    large = asked(max_output=100_000)
    assert not await passes(permission, large)
    time.pass_(0.7)
    lease = await permission.check(large, None)
    assert not await passes(permission, asked(max_output=1))
    tried(large).usage = Usage(input=1, output=50)
    lease.settle("complete")  # type: ignore[union-attr]
    assert await passes(permission, asked(max_output=900))


async def test_concurrency_is_of_what_runs(made: Made, asked: Any) -> None:
    permission = await made({"per": "key", "concurrency": 2})
    leases = [await permission.check(asked(), None) for _ in range(2)]
    with pytest.raises(RateLimited, match=r"^2 requests run already for this key, which is all that may") as caught:
        await permission.check(asked(), None)
    assert caught.value.retry_after == 1
    leases[0].settle("client_gone")  # type: ignore[union-attr]
    assert await passes(permission, asked())
    assert not await passes(permission, asked())


async def test_requests_alone_leave_nothing_to_settle(made: Made, asked: Any) -> None:
    permission = await made({"per": "key", "requests": 5})
    assert await permission.check(asked(), None) is None


async def test_counting_tokens_is_a_request_and_uses_none(made: Made, asked: Any) -> None:
    permission = await made({"per": "key", "requests": 2, "tokens": 10})
    for _ in range(2):
        assert await passes(permission, asked(kind="count", body=b"x" * 4000))
    assert not await passes(permission, asked(kind="count"))


async def test_lists_of_models_are_never_limited(made: Made, asked: Any) -> None:
    permission = await made({"requests": 1, "concurrency": 1})
    for _ in range(5):
        assert await permission.check(asked(kind="models"), None) is None


async def test_a_targets_limit_is_taken_by_attempt_and_told_with_it(made: Made, asked: Any, tried: Any) -> None:
    permission = await made({"per": "target", "requests": 3, "tokens": 10_000}, scope="attempt")
    exchange = asked(max_output=100)
    first, second = tried(exchange), tried(exchange, "near", "n")
    leases = [await permission.check(exchange, attempt) for attempt in (first, second)]
    assert exchange.allowances == ()
    assert {one.of: one.remaining for one in first.allowances} == {"requests": 2, "tokens": 9900}
    first.usage, second.usage = Usage(output=400), Usage(output=7)
    for lease in leases:
        lease.settle("complete")  # type: ignore[union-attr]
    again = tried(asked(max_output=0))
    await permission.check(exchange, again)
    assert {one.of: one.remaining for one in again.allowances} == {"requests": 1, "tokens": 9500}


async def test_a_call_that_no_limit_is_for_asks_nobody(made: Made, asked: Any) -> None:
    permission = await made({"per": "key", "requests": 1, "only": {"role": ["GUEST"]}}, counters=object())
    assert await permission.check(asked(), None) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "0.5 s"), (45, "45 s"), (60, "1 min"), (90, "90 s"), (5400, "90 min"), (86400, "1 d"), (2592000, "30 d")],
)
def test_a_window_is_told_as_people_say_it(seconds: float, text: str) -> None:
    assert spoken(seconds) == text
