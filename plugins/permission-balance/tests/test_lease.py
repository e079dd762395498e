"""What an attempt comes to, by how it ended; what a stream is held for besides, and where it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from gateway_permission_balance.lease import HoldLease
from gateway_permission_balance.permission import PricePermission

from gateway import Attempt, Edit, Envelope, Exchange, KnownPrices, QuotaExceeded, Route, Store, Usage
from gateway.errors import UpstreamBroken, UpstreamRefused
from gateway.pipeline.settle import settle

Make = Callable[..., Any]
OPEN = {"open": KnownPrices(input=1, output=1)}


def estimated(output: int) -> Usage:
    return Usage(input=100, output=output, estimated=True)


def ended(exchange: Exchange, outcome: str, answered: bool, **fields: Any) -> Attempt:
    """As the pipeline ends it; 400 bytes went and 80 came where it says nothing else."""
    attempt = exchange.attempts[-1]
    given = {"sent": True, "status": 200, "input_bytes": 400, "output_bytes": 80, **fields}
    for name, value in given.items():
        setattr(attempt, name, value)
    exchange.outcome, exchange.first_byte = outcome, 0.1 if answered else None  # type: ignore[assignment]
    settle(exchange, ())
    return attempt


@pytest.fixture
def taken(permission: Make, make_exchange: Make, make_attempt: Make) -> Make:
    """`await taken(model=…, start=…, …)`: an exchange whose attempt is held for, and its lease."""

    async def take(
        model: str = "cheap", envelope: Envelope | None = None, **options: Any
    ) -> tuple[Exchange, HoldLease]:
        exchange = make_exchange(b"x" * 400, envelope)
        attempt = make_attempt(exchange, model)
        lease = await permission(**options).check(exchange, attempt)
        attempt.leases.append(lease)
        return exchange, lease

    return take


@pytest.mark.parametrize(
    ("outcome", "answered", "fields", "spent", "rule"),
    [
        ("complete", True, {"usage": Usage(input=40, output=10)}, 50, "reported"),
        ("complete", True, {}, 120, "estimated"),
        ("client_gone", True, {}, 123, "estimated"),
        ("client_gone", True, {"usage": Usage(input=40, output=10)}, 50, "reported"),
        ("client_gone", True, {"usage": Usage(input=40)}, 63, "estimated"),
        ("client_gone", False, {"sent": False}, 0, "free"),
        ("fault", False, {}, 0, "free"),
    ],
)
async def test_an_attempt_is_charged_by_how_it_ended(
    taken: Make, account: Make, outcome: str, answered: bool, fields: dict[str, Any], spent: float, rule: str
) -> None:
    exchange, _ = await taken()
    attempt = ended(exchange, outcome, answered, **fields)
    assert attempt.charge is not None
    assert (attempt.charge.rule, attempt.charge.price) == (rule, spent * 1000)
    assert await account() == (1000 - spent, 0, spent)


async def test_an_upstreams_error_costs_nothing(taken: Make, account: Make) -> None:
    exchange, _ = await taken()
    exchange.attempts[-1].failed(UpstreamRefused("x", 500))
    ended(exchange, "upstream_error", False, status=500)
    assert await account() == (1000, 0, 0)


async def test_a_reply_that_broke_off_costs_what_had_come(taken: Make, account: Make) -> None:
    exchange, _ = await taken()
    exchange.attempts[-1].failed(UpstreamBroken("x"))
    ended(exchange, "broken", True, sent=True)
    assert await account() == (880, 0, 120)


async def test_the_settlement_says_whose_attempt_it_was_and_what_it_came_to(
    taken: Make, account: Make, store: Store, clock: Any
) -> None:
    exchange, _ = await taken()
    usage = Usage(input=40, cache_read=3, output=10)
    attempt = ended(exchange, "complete", True, usage=usage)
    await account()
    [found] = await store.ledger.settlements()  # type: ignore[union-attr]
    assert (found.attempt, found.at, found.user_id, found.key_id) == (attempt.id, clock.now, "ada", "key_1")
    assert (found.endpoint, found.model, found.outcome, found.usage) == ("far", "cheap", "complete", usage)
    assert (found.charge, found.taken) == (attempt.charge, 53_000)


async def test_a_call_that_is_only_priced_is_kept_and_nothing_taken(
    permission: Make, make_exchange: Make, make_attempt: Make, store: Store
) -> None:
    rule, exchange = permission(), make_exchange(b"x" * 400)
    attempt = make_attempt(exchange)
    attempt.leases.append(await PricePermission(rule._tariffs, rule._till).check(exchange, attempt))
    ended(exchange, "complete", True, usage=Usage(input=40, output=10))
    await store.ledger.flush()
    [found] = await store.ledger.settlements()  # type: ignore[union-attr]
    assert (found.charge.price, found.taken) == (50_000, 0)
    assert await store.ledger.accounts() == []  # type: ignore[union-attr]


async def grown(lease: HoldLease) -> None:
    """Until what was asked for has been answered."""
    assert lease._asking is not None
    await lease._asking


async def test_a_stream_without_a_limit_is_held_for_again_and_again(taken: Make, account: Make) -> None:
    _, lease = await taken("open", rates=OPEN, unknown_output=50, start=1000)
    assert await account() == (850, 150, 0)
    for output, held in ((50, 150), (51, 200), (100, 200), (101, 250)):
        lease.progress(estimated(output))
        if lease._asking is not None:
            await grown(lease)
        assert await account() == (1000 - held, held, 0)


async def test_a_stream_is_stopped_where_nothing_is_left(taken: Make, account: Make) -> None:
    exchange, lease = await taken("open", rates=OPEN, unknown_output=50, start=170)
    lease.progress(estimated(60))
    await grown(lease)
    assert await account() == (0, 170, 0)
    lease.progress(estimated(70))
    lease.progress(estimated(80))
    await grown(lease)
    with pytest.raises(QuotaExceeded, match="balance is spent"):
        lease.progress(estimated(81))
    ended(exchange, "refused", True, output_bytes=4 * 81, error="QuotaExceeded")
    assert await account() == (0, 0, 170)


async def test_what_keeps_to_its_limit_is_not_cut_for_an_estimate(taken: Make) -> None:
    """The upstream was told to write 50 tokens; texts of six bytes a token look like 75."""
    _, lease = await taken(start=150)
    lease.progress(estimated(75))
    assert lease._asking is None
    lease.progress(estimated(76))
    await grown(lease)
    with pytest.raises(QuotaExceeded):
        lease.progress(estimated(77))


async def test_what_the_upstream_counts_itself_is_no_estimate(taken: Make) -> None:
    _, lease = await taken(start=150)
    lease.progress(Usage(input=100, output=51))
    await grown(lease)
    with pytest.raises(QuotaExceeded):
        lease.progress(Usage(input=100, output=52))


async def test_output_that_is_free_is_held_for_never(taken: Make) -> None:
    _, lease = await taken("open", rates={"open": KnownPrices(input=1, output=0)}, unknown_output=5)
    lease.progress(estimated(10**6))
    assert lease._asking is None


async def test_with_the_store_down_a_stream_ends_at_what_is_held(taken: Make, store: Store) -> None:
    _, lease = await taken("open", rates=OPEN, unknown_output=50)
    await store.close()
    lease.progress(estimated(60))
    await grown(lease)
    with pytest.raises(QuotaExceeded):
        lease.progress(estimated(61))
    await store.open()


async def test_what_is_asked_for_late_is_held_for_nobody(taken: Make, account: Make) -> None:
    exchange, lease = await taken("open", rates=OPEN, unknown_output=50)
    lease.progress(estimated(60))
    ended(exchange, "complete", True, usage=Usage(input=100, output=60))
    await asyncio.gather(grown(lease))
    assert await account() == (840, 0, 160)


async def test_a_settlement_names_the_agent_that_it_was_for(
    permission: Make, make_exchange: Make, make_attempt: Make, store: Store
) -> None:
    exchange = make_exchange(b"x" * 400)
    exchange.route = Route("Helper", (), Edit("m"), agent="agent_1")
    attempt = make_attempt(exchange)
    attempt.leases.append(await permission().check(exchange, attempt))
    ended(exchange, "complete", True, usage=Usage(input=40, output=10))
    assert store.ledger is not None
    await store.ledger.flush()
    [total] = await store.ledger.totals(["agent"])
    assert (total.group, total.taken) == (("agent_1",), 50_000)
