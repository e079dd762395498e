"""What is held before anything goes upstream, what is refused, and what is given back when nothing came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from gateway_permission_balance.permission import BalancePermission, PricePermission

from gateway import ANONYMOUS, Envelope, Forbidden, KnownPrices, QuotaExceeded, Store, Unavailable

Make = Callable[..., Any]
FREE = {"cheap": KnownPrices(input=0, output=0)}


async def test_the_input_and_the_most_output_are_held(
    permission: Make, make_exchange: Make, make_attempt: Make, account: Make
) -> None:
    exchange = make_exchange(b"x" * 400)
    attempt = make_attempt(exchange)
    assert await permission(start=1000).check(exchange, attempt) is not None
    assert await account() == (800, 200, 0)
    assert attempt.max_output is None


async def test_a_balance_that_does_not_cover_a_call_is_402_and_nothing_is_held(
    permission: Make, make_exchange: Make, make_attempt: Make, account: Make
) -> None:
    rule, exchange = permission(start=115.999), make_exchange(b"x" * 400)
    with pytest.raises(QuotaExceeded) as refused:
        await rule.check(exchange, make_attempt(exchange))
    assert refused.value.public == (
        "The balance does not cover this call: it needs 116 credits at least, and 115.999 credits are left."
    )
    assert (refused.value.status, refused.value.retry_after) == (402, None)
    assert await account() == (115.999, 0, 0)


async def test_who_is_refilled_later_is_told_when(
    permission: Make, make_exchange: Make, make_attempt: Make, clock: Any
) -> None:
    rule, exchange = permission(start=0, refill=500), make_exchange(b"x" * 400)
    clock.now = before = time.time()
    with pytest.raises(QuotaExceeded) as refused:
        await rule.check(exchange, make_attempt(exchange))
    assert refused.value.retry_after is not None
    assert 86_400 <= refused.value.retry_after <= 86_400 + time.time() - before


async def test_where_less_is_there_it_is_held_and_the_upstream_limited_to_it(
    permission: Make, make_exchange: Make, make_attempt: Make, account: Make
) -> None:
    rule, exchange = permission(start=150), make_exchange(b"x" * 400)
    attempt = make_attempt(exchange)
    assert await rule.check(exchange, attempt) is not None
    assert attempt.max_output == 50
    assert await account() == (0, 150, 0)


async def test_a_limit_is_each_choices(permission: Make, make_exchange: Make, make_attempt: Make) -> None:
    rule, exchange = permission(start=150), make_exchange(b"x" * 400, Envelope(choices=3))
    attempt = make_attempt(exchange)
    await rule.check(exchange, attempt)
    assert attempt.max_output == 16
    again = make_exchange(b"x" * 400, Envelope(choices=3))
    with pytest.raises(QuotaExceeded, match="needs 148 credits at least"):
        await rule.check(again, make_attempt(again))


async def test_a_reply_that_is_short_by_itself_needs_no_more(
    permission: Make, make_exchange: Make, make_attempt: Make, account: Make
) -> None:
    rule, exchange = permission(start=105), make_exchange(b"x" * 400, Envelope(max_output=5))
    await rule.check(exchange, make_attempt(exchange))
    assert await account() == (0, 105, 0)


async def test_what_costs_nothing_is_let_through_without_a_balance(
    permission: Make, make_exchange: Make, make_attempt: Make
) -> None:
    exchange = make_exchange()
    assert await permission(start=0, rates=FREE).check(exchange, make_attempt(exchange)) is not None


async def test_admins_pay_like_everybody(permission: Make, make_exchange: Make, make_attempt: Make) -> None:
    exchange = make_exchange()
    exchange.principal = type(exchange.principal)(user_id="root", role="ADMIN")
    with pytest.raises(QuotaExceeded):
        await permission(start=0).check(exchange, make_attempt(exchange))


async def test_where_nobody_can_pay_nothing_is_done(permission: Make, make_exchange: Make, make_attempt: Make) -> None:
    exchange = make_exchange(principal=ANONYMOUS)
    with pytest.raises(Forbidden, match="belongs to no user"):
        await permission().check(exchange, make_attempt(exchange))


async def test_a_client_that_leaves_while_it_is_held_for_gets_it_back(
    permission: Make, make_exchange: Make, make_attempt: Make, account: Make, store: Store
) -> None:
    rule, exchange = permission(start=1000), make_exchange(b"x" * 400)
    await store.ledger.account("user:ada", rule._payers.terms)  # type: ignore[union-attr]
    checking = asyncio.create_task(rule.check(exchange, make_attempt(exchange)))
    await asyncio.sleep(0)
    checking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checking
    assert await account() == (1000, 0, 0)


async def test_with_the_store_down_nothing_is_let_through(
    permission: Make, make_exchange: Make, make_attempt: Make, store: Store
) -> None:
    rule, exchange = permission(), make_exchange()
    await store.close()
    with pytest.raises(Unavailable):
        await rule.check(exchange, make_attempt(exchange))
    await store.open()


async def test_prices_alone_hold_nothing_and_refuse_nobody(
    permission: Make, make_exchange: Make, make_attempt: Make, store: Store
) -> None:
    balance = permission(start=0)
    assert isinstance(balance, BalancePermission)
    exchange = make_exchange()
    assert await PricePermission(balance._tariffs, balance._till).check(exchange, make_attempt(exchange)) is not None
    assert await store.ledger.accounts() == []  # type: ignore[union-attr]
