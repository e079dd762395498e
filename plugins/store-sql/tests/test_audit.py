"""Whatever is changed behind the ledger's back, the audit names it; of what the ledger wrote it names nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from places import Place

from gateway import Charge, Store
from gateway.ledger import Claim, Grant, Hold, Settlement
from gateway.money import Terms

NOW = time.time()
Change = Callable[[str], object]


def settlement(attempt: str, price: int, exact: str) -> Settlement:
    return Settlement(
        attempt=attempt, at=NOW, endpoint="e", model="m", outcome="complete", charge=Charge("reported", price, exact)
    )


@pytest.fixture
async def kept(store: Any) -> Any:
    """An account with a grant, an attempt that is settled and one that runs."""
    ledger, terms = store.ledger, Terms(1000)
    await ledger.grant(Grant("k", "user:a", "add", 50), terms)
    for attempt in ("at_1", "at_2"):
        await ledger.hold(Hold(attempt, (Claim("user:a", terms),), 100, 1, NOW + 600, settlement(attempt, 100, "100")))
    ledger.settle(settlement("at_1", 30, "29.5"))
    await store.ledger.flush()
    return store


@pytest.fixture
def change(kept: Store, place: Place) -> Change:
    return place.sql


async def found(store: Any, now: float = NOW) -> list[str]:
    return [f"{one.where}: {one.what}" for one in (await store.ledger.audit(now)).discrepancies]


async def test_what_the_ledger_wrote_adds_up(kept: Any) -> None:
    audit = await kept.ledger.audit(NOW)
    assert (audit.accounts, audit.holds, audit.settlements, audit.movements) == (1, 1, 1, 5)
    assert audit.discrepancies == ()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE accounts SET available = available + 1", "user:a: available is 921, and 920 by the journal"),
        ("UPDATE accounts SET held = 0", "user:a: held is 0, and 100 by the journal"),
        ("UPDATE accounts SET spent = 31", "user:a: spent is 31, and 30 by the journal"),
        ("UPDATE accounts SET granted = 0", "user:a: granted is 0, and -1050 by the journal"),
        ("UPDATE accounts SET available = -5", "user:a: available is -5, less than nothing"),
        ("DELETE FROM accounts", "user:a: there is no such account, and by the journal spent is 30"),
        (
            "UPDATE entries SET amount = amount + 1 WHERE part = 'spent'",
            "settle:at_1: its entries sum to 1, and not to zero",
        ),
        ("DELETE FROM movements WHERE kind = 'start'", "start:user:a: there are entries of it, and no such movement"),
        ("UPDATE holds SET amount = 90", "at_2: 90 is held on user:a, and 100 by the journal"),
        ("DELETE FROM holds", "at_2: by the journal 100 is held on user:a, and there is no such hold"),
        ("UPDATE settlements SET price = 31, taken = 31", "at_1: its price is 31, and not 29.5 rounded up"),
        ("UPDATE settlements SET taken = 29", "at_1: 29 was taken for a price of 30"),
        (
            """UPDATE settlements SET taken_from = '{"user:a": 30, "user:b": 4}'""",
            "at_1: 4 was taken from user:b, and 0 by the journal",
        ),
        ("DELETE FROM settlements", "at_1: by the journal 30 was taken from user:a, and there is no such settlement"),
    ],
)
async def test_what_was_changed_is_named(kept: Any, change: Change, sql: str, said: str) -> None:
    change(sql)
    assert said in await found(kept)


async def test_a_hold_that_nobody_ended_is_named_after_a_grace(kept: Any) -> None:
    assert await found(kept, NOW + 650) == []
    assert await found(kept, NOW + 670) == ["at_2: its hold should have ended 70 s ago; does no gateway run?"]


async def test_of_very_many_a_hundred_are_told(kept: Any, change: Change) -> None:
    rows = ", ".join(f"('m{number}', 'user:x', 'spent', 1)" for number in range(300))
    change(f"INSERT INTO entries VALUES {rows}")
    told = await found(kept)
    assert sum(one.endswith("and not to zero") for one in told) == 100
    assert ": more of this kind than 100" in told
