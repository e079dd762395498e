"""Holds of calls that run are renewed, those of processes that ended are charged; a store that is down is told of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from gateway_permission_balance.live import Renewal, Sweeper

from gateway import Store, Unavailable
from gateway.pipeline.settle import settle

Make = Callable[..., Any]
LOG = logging.getLogger("test.live")
TTL, DAY = 1800.0, 86_400.0


def swept(store: Store, clock: Any, monotonic: Any = None, alone: bool = True) -> Sweeper:
    """monotonic: as the wall clock goes where nobody sets that."""
    assert store.ledger is not None
    return Sweeper(store.ledger, TTL, clock, LOG, alone=alone, monotonic=monotonic or clock)


async def held(permission: Make, make_exchange: Make, make_attempt: Make) -> Any:
    exchange = make_exchange(b"x" * 400)
    rule, attempt = permission(), make_attempt(exchange)
    attempt.leases.append(await rule.check(exchange, attempt))
    return exchange, rule._till.live


async def test_a_call_that_runs_keeps_what_it_holds(
    permission: Make, make_exchange: Make, make_attempt: Make, store: Store, clock: Any, account: Make
) -> None:
    _, live = await held(permission, make_exchange, make_attempt)
    renewal, sweeper = Renewal(store.ledger, live, TTL, clock, LOG), swept(store, clock)
    for _ in range(3):
        clock.now += TTL - 1
        await renewal.once()
        await account()
        await sweeper.once()
    assert await account() == (800, 200, 0)


async def test_what_nobody_renews_is_charged_once_its_time_has_passed(
    permission: Make,
    make_exchange: Make,
    make_attempt: Make,
    store: Store,
    clock: Any,
    account: Make,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await held(permission, make_exchange, make_attempt)
    sweeper = swept(store, clock)
    clock.now += TTL - 1
    await sweeper.once()
    assert await account() == (800, 200, 0)
    clock.now += 2
    await sweeper.once()
    assert await account() == (800, 0, 200)
    assert "1 attempts of a gateway that ended" in caplog.text
    [found] = await store.ledger.settlements()
    assert (found.outcome, found.charge.rule, found.model, found.key_id) == ("unknown", "unknown", "cheap", "key_1")


async def test_a_clock_set_forward_ends_nothing_that_runs(
    permission: Make, make_exchange: Make, make_attempt: Make, store: Store, clock: Any, account: Make
) -> None:
    """Fails where the sweeper takes the step for time that has passed."""
    exchange, live = await held(permission, make_exchange, make_attempt)
    passed = type(clock)()
    renewal, sweeper = Renewal(store.ledger, live, TTL, clock, LOG), swept(store, clock, passed)
    clock.now += DAY
    await sweeper.once()
    for _ in range(2):
        clock.now += TTL / 3 + 1
        passed.now += TTL / 3 + 1
        await renewal.once()
        await account()
        await sweeper.once()
    assert await account() == (800, 200, 0)
    settle(exchange, ())
    assert (await account())[1] == 0
    assert [one.outcome for one in await store.ledger.settlements()] == ["fault"]


async def test_what_nobody_renews_ends_after_a_clock_was_set_forward(
    permission: Make, make_exchange: Make, make_attempt: Make, store: Store, clock: Any, account: Make
) -> None:
    await held(permission, make_exchange, make_attempt)
    passed = type(clock)()
    sweeper = swept(store, clock, passed)
    clock.now += DAY
    await sweeper.once()
    passed.now += TTL / 3 + 3
    clock.now += TTL / 3 + 3
    await sweeper.once()
    assert await account() == (800, 0, 200)


@pytest.mark.parametrize("alone", [True, False])
async def test_a_clock_set_back_delays_no_end(
    permission: Make, make_exchange: Make, make_attempt: Make, store: Store, clock: Any, account: Make, alone: bool
) -> None:
    """Unless another machine's clock may be the right one. Fails where the step is not looked for."""
    passed = type(clock)()
    await held(permission, make_exchange, make_attempt)
    sweeper = swept(store, clock, passed, alone)
    clock.now -= DAY
    await sweeper.once()
    clock.now += TTL + 1
    passed.now += TTL + 1
    await sweeper.once()
    assert await account() == ((800, 0, 200) if alone else (800, 200, 0))


async def test_what_has_ended_is_renewed_no_more(permission: Make, make_exchange: Make, make_attempt: Make) -> None:
    exchange, live = await held(permission, make_exchange, make_attempt)
    assert list(live) == [exchange.attempts[0].id]
    settle(exchange, ())
    assert live == {}


@pytest.mark.parametrize("needed", [True, False])
@pytest.mark.parametrize("failure", [Unavailable("The store is down."), OSError("The store is down.")])
async def test_a_ledger_that_cannot_be_written_is_told_of_until_it_can(
    store: Store, clock: Any, caplog: pytest.LogCaptureFixture, failure: Exception, needed: bool
) -> None:
    """Without balances calls go on without it, so the gateway stays ready."""

    class Failing(Sweeper):
        """One turn at a time; `begun` when it waits for the next."""

        down = True

        def __init__(self) -> None:
            super().__init__(store.ledger, TTL, clock, LOG, needed=needed)
            self._every = 0.0
            self.begun, self.turns = asyncio.Event(), asyncio.Semaphore(0)

        async def once(self) -> None:
            self.begun.set()
            await self.turns.acquire()
            if self.down:
                raise failure

        async def turn(self) -> None:
            self.begun.clear()
            self.turns.release()
            await self.begun.wait()

    sweeper = Failing()
    await sweeper.start()
    await sweeper.begun.wait()
    for _ in range(3):
        await sweeper.turn()
        told = "permission-balance: the ledger cannot be written: The store is down."
        assert (sweeper.failure(), sweeper.warning()) == ((told, None) if needed else (None, told))
    assert caplog.text.count("The store is down.") == 1
    sweeper.down = False
    await sweeper.turn()
    assert (sweeper.failure(), sweeper.warning()) == (None, None)
    await sweeper.stop()
