"""Budgets' accounts: what a window gives and takes back, hard and soft, on both databases; the audit after each."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from gateway_store_sql.ledger import OPEN
from gateway_store_sql.several import naming

from gateway import BadCall, Charge
from gateway.ledger import Account, Claim, Grant, Held, Hold, Ledger, Settlement, Short
from gateway.money import Cap, Terms

KEY, USER, ORG = "budget:key:k/day", "user:ada", "budget:organisation:/month"
DAY = 86_400.0
TODAY = 1_800_000_000.0


def cap(amount: int = 1000, began: float = TODAY, soft: bool = False) -> Terms:
    return Terms(cap=Cap(amount, began, soft))


def settlement(attempt: str, price: int, outcome: Any = "complete") -> Settlement:
    charge = Charge("reported", price, str(price))
    return Settlement(attempt=attempt, at=1.0, endpoint="far", model="m", outcome=outcome, charge=charge)


def hold(attempt: str, most: int, *claims: Claim, least: int = 1) -> Hold:
    unsettled = settlement(attempt, most, "unknown")
    return Hold(attempt, claims or (Claim(KEY, cap()),), most, least, TODAY + 9e9, unsettled)


async def spend(ledger: Ledger, attempt: str, price: int, *claims: Claim) -> None:
    assert isinstance(await ledger.hold(hold(attempt, price, *claims)), Held)
    ledger.settle(settlement(attempt, price))
    await ledger.flush()


async def parts(ledger: Ledger, owner: str = KEY) -> tuple[int, int, int, int]:
    """available, held, spent in this window, granted in all."""
    [one] = await ledger.accounts(owner)
    return one.available, one.held, one.spent - one.closed, one.granted


async def test_a_window_gives_its_amount_and_takes_back_what_it_leaves(ledger: Ledger) -> None:
    await spend(ledger, "at_1", 300)
    assert await parts(ledger) == (700, 0, 300, 1000)
    tomorrow = Claim(KEY, cap(began=TODAY + DAY))
    await spend(ledger, "at_2", 10, tomorrow)
    assert await parts(ledger) == (990, 0, 10, 1300)
    await spend(ledger, "at_3", 90, tomorrow)
    assert await parts(ledger) == (900, 0, 100, 1300)


async def test_a_worker_whose_clock_is_behind_begins_no_window_again(ledger: Ledger) -> None:
    await spend(ledger, "at_1", 300, Claim(KEY, cap(began=TODAY + DAY)))
    await spend(ledger, "at_2", 100, Claim(KEY, cap(began=TODAY)))
    assert await parts(ledger) == (600, 0, 400, 1000)


async def test_an_exhausted_one_is_short_and_the_others_keep_theirs(ledger: Ledger) -> None:
    claims = (Claim(USER, Terms(5000)), Claim(KEY, cap(100)), Claim(ORG, cap(10_000)))
    await spend(ledger, "at_1", 95, *claims)
    assert await ledger.hold(hold("at_2", 50, *claims, least=6)) == Short(KEY, 5)
    assert await ledger.hold(hold("at_3", 50, *claims, least=5)) == Held(5)
    assert await parts(ledger, USER) == (4900, 5, 95, 5000)
    assert await parts(ledger, ORG) == (9900, 5, 95, 10_000)


async def test_what_runs_over_the_end_of_a_window_counts_in_the_next(ledger: Ledger) -> None:
    await ledger.hold(hold("at_1", 400))
    tomorrow = Claim(KEY, cap(began=TODAY + DAY))
    assert await ledger.hold(hold("at_2", 900, tomorrow)) == Held(600)
    assert await ledger.hold(hold("at_3", 1, tomorrow)) == Short(KEY, 0)
    ledger.settle(settlement("at_1", 250))
    ledger.settle(settlement("at_2", 600))
    await ledger.flush()
    assert await parts(ledger) == (150, 0, 850, 1000)


async def test_a_stream_that_runs_over_the_end_is_held_for_by_the_next_window(ledger: Ledger) -> None:
    await ledger.hold(hold("at_1", 1000))
    assert await ledger.extend("at_1", 50) == 0
    ledger.settle(settlement("at_0", 0))
    assert await ledger.extend("at_1", 50, (Claim(KEY, cap(1500, TODAY + DAY)),)) == 50
    assert await parts(ledger) == (450, 1050, 0, 1500)


async def test_an_amount_that_changes_holds_at_once(ledger: Ledger) -> None:
    await spend(ledger, "at_1", 300)
    assert await ledger.hold(hold("at_2", 5000, Claim(KEY, cap(2000)))) == Held(1700)
    ledger.release("at_2")
    assert await ledger.hold(hold("at_3", 1, Claim(KEY, cap(200)))) == Short(KEY, 0)
    assert await parts(ledger) == (0, 0, 300, 300)


async def test_a_soft_one_gives_what_is_needed_and_is_told_of(ledger: Ledger) -> None:
    soft, user = Claim(KEY, cap(100, soft=True)), Claim(USER, Terms(1000))
    assert await ledger.hold(hold("at_1", 150, user, soft)) == Held(150, {KEY: 100})
    assert await ledger.extend("at_1", 20) == 20
    ledger.settle(settlement("at_1", 200))
    await ledger.flush()
    assert await parts(ledger) == (0, 0, 200, 200)
    assert await ledger.hold(hold("at_2", 10, user, soft)) == Held(10, {KEY: 0})
    ledger.settle(settlement("at_2", 4))
    await ledger.flush()
    assert await ledger.hold(hold("at_3", 10, user, Claim(KEY, cap(1000)))) == Held(10)
    assert await parts(ledger) == (786, 10, 204, 1000)


async def test_a_hard_cap_limits_a_call_that_soft_ones_let_through(ledger: Ledger) -> None:
    claims = (Claim(KEY, cap(10, soft=True)), Claim(ORG, cap(60)))
    assert await ledger.hold(hold("at_1", 150, *claims)) == Held(60, {KEY: 10})
    assert await ledger.extend("at_1", 1) == 0


async def test_a_charge_beyond_the_cap_takes_what_is_there_and_no_more(ledger: Ledger) -> None:
    await ledger.hold(hold("at_1", 400))
    ledger.settle(settlement("at_1", 4000))
    await ledger.flush()
    assert await parts(ledger) == (0, 0, 1000, 1000)


async def test_what_a_correction_gives_back_is_of_the_window_that_it_was_taken_in(ledger: Ledger, clock: Any) -> None:
    await ledger.hold(hold("at_1", 800))
    ledger.settle(msgspec.structs.replace(settlement("at_1", 800, "unknown"), at=clock.now))
    await spend(ledger, "at_2", 50, tomorrow := Claim(KEY, cap(began=TODAY + DAY)))
    ledger.settle(settlement("at_1", 100))
    await ledger.flush()
    assert await parts(ledger) == (950, 0, 50, 1100)
    await spend(ledger, "at_3", 500, tomorrow)
    assert await ledger.hold(hold("at_4", 5000, tomorrow)) == Held(450)


async def test_a_correction_within_its_window_gives_back(ledger: Ledger, clock: Any) -> None:
    await ledger.hold(hold("at_1", 800))
    ledger.settle(msgspec.structs.replace(settlement("at_1", 800, "unknown"), at=clock.now))
    ledger.settle(settlement("at_1", 100))
    await ledger.flush()
    assert await parts(ledger) == (900, 0, 100, 1000)


async def test_what_is_used_can_be_said_by_hand_and_once(ledger: Ledger, clock: Any) -> None:
    await spend(ledger, "at_1", 300)
    for _ in range(2):
        account = await ledger.grant(Grant("import-1", KEY, "used", 950, "imported"), cap())
        assert (account.available, account.spent, account.closed) == (50, 300, -650)
    assert await ledger.hold(hold("at_2", 51, least=51)) == Short(KEY, 50)
    await ledger.grant(Grant("reset-1", KEY, "used", 0), cap())
    assert await parts(ledger) == (1000, 0, 0, 1300)
    new = await ledger.grant(Grant("import-2", "budget:key:new/day", "used", 20), cap(100))
    assert new == Account("budget:key:new/day", 80, 0, 0, 80, clock.now, TODAY, -20)
    with pytest.raises(BadCall, match="no budget"):
        await ledger.grant(Grant("x", USER, "used", 20), Terms())


async def test_open_accounts_are_found_by_an_index_and_none_is_opened(ledger: Ledger, store: Any) -> None:
    await spend(ledger, "at_1", 300)
    found = await ledger.opened([ORG, KEY, "budget:key:k"])
    assert [(one.owner, one.available) for one in found] == [(KEY, 700)]
    assert await ledger.opened([]) == ()
    if not store.shared:  # PostgreSQL reads small tables whole anyway
        [plan] = await store._database.rows("EXPLAIN QUERY PLAN " + naming(OPEN, 2), [KEY, ORG])
        assert "USING INDEX" in plan[3]


async def test_many_at_once_never_pass_the_cap(ledger: Ledger) -> None:
    got = await asyncio.gather(*(ledger.hold(hold(f"at_{n}", 30, least=30)) for n in range(64)))
    assert sum(isinstance(one, Held) for one in got) == 33
    assert await parts(ledger) == (10, 990, 0, 1000)


async def test_the_audit_knows_when_windows_began(ledger: Ledger, store: Any) -> None:
    await spend(ledger, "at_1", 300)
    await spend(ledger, "at_2", 10, Claim(KEY, cap(began=TODAY + DAY)))
    await _set_closed(store, 7)
    [found] = (await ledger.audit(0.0)).discrepancies
    assert (found.where, found.what) == (KEY, "its window began when 7 was spent, and 0 or 300 by the journal")
    await _set_closed(store, 300)


async def test_accounts_are_found_by_the_beginning_of_their_owner(ledger: Ledger) -> None:
    await spend(ledger, "at_1", 1, Claim(USER, Terms(10)), Claim(KEY, cap()), Claim(ORG, cap()))
    assert [one.owner for one in await ledger.accounts("budget:")] == [KEY, ORG]
    assert len(await ledger.accounts()) == 3
    assert (await ledger.audit(0.0)).spent == {"budget": 2, "user": 1}


async def _set_closed(store: Any, amount: int) -> None:
    await store._database.write(lambda transaction: transaction.rows(f"UPDATE accounts SET closed = {amount}"))
