"""Two gateways on one ledger: whatever they do to an attempt at the same moment, it is charged once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from deeds import TERMS, TTL, Clock, Deeds
from places import Place

from gateway.ledger import Grant

TIMES = 12


@pytest.fixture
async def two(place: Place) -> AsyncIterator[list[Any]]:
    """Stores as two processes have them, whose clocks agree."""
    stores, clock = [place.store(), place.store()], Clock()
    async with contextlib.AsyncExitStack() as stack:
        for store in stores:
            await store.open()
            store.ledger._clock = clock  # type: ignore[attr-defined]
            stack.push_async_callback(store.close)
        yield stores


async def parts(store: Any, owner: str = "user:ada") -> tuple[int, int, int]:
    [account] = [one for one in await store.ledger.accounts() if one.owner == owner]
    assert (await store.ledger.audit(0.0)).discrepancies == ()
    return account.available, account.held, account.spent


def deeds_of(stores: list[Any]) -> list[Deeds]:
    return [Deeds(store, store.ledger, store.ledger._clock, "ada") for store in stores]


async def test_two_that_settle_an_attempt_settle_it_once(two: list[Any]) -> None:
    """Who comes second finds it settled, whoever of them that is."""
    one, other = deeds_of(two)
    attempts = [await one.held() for _ in range(TIMES // 2)]
    for attempt in attempts:
        one.settle(attempt, 10)
        other.settle(attempt, 10)
        await asyncio.gather(*(store.ledger.flush() for store in two))
    assert await parts(two[0]) == (1000 - 10 * len(attempts), 0, 10 * len(attempts))


async def test_what_expires_while_it_is_settled_costs_what_it_came_to(two: list[Any]) -> None:
    """Whichever comes first: a charge as `unknown` is corrected."""
    one, _ = deeds_of(two)
    for _ in range(TIMES):
        attempt, clock = await one.held(), two[0].ledger._clock
        clock.now += TTL + 1
        one.settle(attempt, 10)
        await asyncio.gather(two[0].ledger.flush(), two[1].ledger.expire(clock.now))
    assert await parts(two[0]) == (1000 - 10 * TIMES, 0, 10 * TIMES)


async def test_what_is_granted_while_others_hold_is_not_lost(two: list[Any]) -> None:
    """Fails where an account is read without its lock, and written as it was read."""
    one, _ = deeds_of(two)
    for number in range(TIMES):
        grant = Grant(f"grant {number}", "user:ada", "add", 7)
        attempt, _ = await asyncio.gather(one.held(), two[1].ledger.grant(grant, TERMS))
        one.settle(attempt, 10)
    await two[0].ledger.flush()
    assert await parts(two[1]) == (1000 + (7 - 10) * TIMES, 0, 10 * TIMES)
