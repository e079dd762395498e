"""Accounts of budgets that nobody has used for long are closed: what they spent stays on the books, and all adds up."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from gateway_store_sql.ledger import AT_ONCE, SqlLedger
from places import Place

from gateway import Charge, Store
from gateway.ledger import CLOSED, Claim, Hold, Ledger, Settlement
from gateway.money import Cap, Terms

RUN, OTHER, USER = "budget:run:ada/nightly/total", "budget:key:k/day", "user:ada"
DAY = 86_400.0
CLAIMS = (Claim(USER, Terms(10_000)), Claim(RUN, Terms(cap=Cap(1000, 0.0))), Claim(OTHER, Terms(cap=Cap(5000, 0.0))))


def settlement(attempt: str, price: int, outcome: Any = "complete") -> Settlement:
    charge = Charge("reported", price, str(price))
    return Settlement(attempt=attempt, at=1.0, endpoint="far", model="m", outcome=outcome, charge=charge)


async def spend(ledger: Ledger, attempt: str, price: int, claims: tuple[Claim, ...] = CLAIMS, **more: Any) -> None:
    await ledger.hold(Hold(attempt, claims, price, 1, 9e9, settlement(attempt, price, "unknown")))
    ledger.settle(settlement(attempt, price, **more))
    await ledger.flush()


async def spent(ledger: Ledger) -> dict[str, tuple[int, int]]:
    """available, spent: by owner."""
    return {one.owner: (one.available, one.spent) for one in await ledger.accounts()}


async def close(ledger: Ledger, clock: Any, days: float = 90) -> int:
    return await ledger.close_idle("budget:run:", clock.now - days * DAY)


async def test_one_that_nobody_uses_is_closed_and_what_it_spent_stays(ledger: Ledger, clock: Any) -> None:
    await spend(ledger, "at_1", 300)
    clock.now += 90 * DAY
    assert await close(ledger, clock) == 0
    clock.now += 1
    before = (await ledger.audit(0.0)).spent
    assert await close(ledger, clock) == 1
    assert await spent(ledger) == {OTHER: (4700, 300), CLOSED: (0, 300), USER: (9700, 300)}
    audit = await ledger.audit(0.0)
    assert audit.discrepancies == ()
    assert (before, audit.spent) == ({"user": 300, "budget": 600}, {"user": 300, "budget": 300, "closed": 300})
    assert await close(ledger, clock) == 0


async def test_one_that_is_used_again_begins_anew_and_is_closed_again(ledger: Ledger, clock: Any) -> None:
    for number in range(3):
        await spend(ledger, f"at_{number}", 900)
        assert (await spent(ledger))[RUN] == (100, 900)
        clock.now += 100 * DAY
        assert await close(ledger, clock) == 1
    assert (await spent(ledger))[CLOSED] == (0, 2700)


async def test_one_that_is_used_or_holds_something_is_not(ledger: Ledger, clock: Any) -> None:
    await spend(ledger, "at_1", 300)
    held = (Claim("budget:run:bob/x/total", Terms(cap=Cap(1000, 0.0))),)
    await ledger.hold(Hold("at_2", held, 100, 1, 9e9, settlement("at_2", 100, "unknown")))
    clock.now += 80 * DAY
    await spend(ledger, "at_3", 5)
    clock.now += 80 * DAY
    assert await close(ledger, clock) == 0
    assert (await spent(ledger))[RUN] == (695, 305)


async def test_what_was_taken_for_an_unknown_attempt_is_not_corrected_after_it(ledger: Ledger, clock: Any) -> None:
    await spend(ledger, "at_1", 300, outcome="unknown")
    clock.now += 100 * DAY
    await close(ledger, clock)
    ledger.settle(settlement("at_1", 40))
    await spend(ledger, "at_2", 10)
    ledger.settle(settlement("at_1", 40))
    await ledger.flush()
    assert (await spent(ledger))[USER] == (9690, 310)
    assert [one.outcome for one in await ledger.settlements() if one.attempt == "at_1"] == ["unknown"]


async def test_of_one_whose_last_use_is_not_known_the_time_begins_now(
    ledger: Ledger, clock: Any, place: Place, store: Store
) -> None:
    await spend(ledger, "at_1", 300)
    place.sql("UPDATE accounts SET used = 0")
    clock.now += 500 * DAY
    assert await close(ledger, clock) == 0
    clock.now += 91 * DAY
    assert await close(ledger, clock) == 1


async def test_very_many_are_closed_while_others_are_used(ledger: Ledger, clock: Any) -> None:
    names = [f"budget:run:ada/{number}/total" for number in range(AT_ONCE + 6)]
    claims = [(Claim(name, Terms(cap=Cap(1000, 0.0))),) for name in names]
    await asyncio.gather(*(spend(ledger, f"at_{number}", 7, one) for number, one in enumerate(claims)))
    clock.now += 100 * DAY
    again = (spend(ledger, f"at_more_{number}", 3, one) for number, one in enumerate(claims[::2]))
    await asyncio.gather(close(ledger, clock), *again)
    total = sum(one.spent for one in await ledger.accounts() if one.owner == CLOSED or one.owner in names)
    assert total == 7 * len(claims) + 3 * len(claims[::2])
    assert (await ledger.audit(0.0)).discrepancies == ()


async def test_balances_are_never_closed(ledger: Ledger, clock: Any) -> None:
    with pytest.raises(ValueError, match="never closed"):
        await ledger.close_idle("user:", clock.now)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "UPDATE movements SET asked = 200 WHERE kind = 'close'",
            f"it closes {RUN} with 200 spent, takes 300 from it and keeps 300",
        ),
        ("UPDATE movements SET subject = 'user:ada' WHERE kind = 'close'", "it closes user:ada, which is no budget"),
        ("UPDATE movements SET kind = 'other' WHERE kind = 'close'", "by the journal -300 was taken from"),
    ],
    ids=["amount", "owner", "kind"],
)
async def test_a_closing_that_was_changed_is_named(store: Store, clock: Any, place: Place, sql: str, said: str) -> None:
    ledger = SqlLedger(store._database, logging.getLogger("test.closing"), clock)  # type: ignore[attr-defined]
    ledger.open()
    await spend(ledger, "at_1", 300)
    clock.now += 100 * DAY
    await close(ledger, clock)
    place.sql(sql)
    found = (await ledger.audit(0.0)).discrepancies
    await ledger.close()
    assert any(said in one.what for one in found)
