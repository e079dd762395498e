"""Audit: accounts, holds and settlements derived again from the journal's entries, and compared with what is kept.

It shares tables with what writes them (book, posting, settlements), and no code: a mistake there shows here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import ROUND_CEILING, Context, Decimal
from itertools import islice

from gateway.ledger import Audit, Discrepancy

from .database import Rows, Transaction

GRACE = 60.0
"""Seconds after its end at which a hold should have been ended by the gateway that runs."""
MOST_TOLD = 100
"""Of one kind."""

_COUNTS = """
SELECT (SELECT COUNT(*) FROM accounts), (SELECT COUNT(*) FROM movements), (SELECT COUNT(*) FROM entries),
(SELECT COUNT(*) FROM holds), (SELECT COUNT(*) FROM settlements)
"""
_UNBALANCED = "SELECT movement, SUM(amount) FROM entries GROUP BY movement HAVING SUM(amount) <> 0"
_STRAY = """
SELECT DISTINCT e.movement FROM entries e LEFT JOIN movements m ON m.id = e.movement WHERE m.id IS NULL
"""
_DERIVED = "SELECT owner, part, SUM(amount) FROM entries GROUP BY owner, part"
_KEPT = "SELECT owner, available, held, spent, granted FROM accounts"
_OF_ATTEMPTS = """
SELECT m.subject, e.owner, SUM(e.amount) FROM movements m JOIN entries e ON e.movement = m.id
WHERE e.part = ?1 AND m.kind <> 'close' GROUP BY m.subject, e.owner HAVING SUM(e.amount) <> 0
"""
_WINDOWS = """
SELECT m.subject, m.asked FROM movements m WHERE m.kind = 'window' AND m.at =
(SELECT MAX(n.at) FROM movements n WHERE n.kind = 'window' AND n.subject = m.subject)
"""
_CLOSED = "SELECT owner, closed FROM accounts WHERE owner LIKE 'budget:%'"
_CLOSINGS = """
SELECT m.id, m.subject, m.asked, SUM(CASE WHEN e.part = 'spent' AND e.owner = m.subject THEN -e.amount ELSE 0 END),
SUM(CASE WHEN e.part = 'spent' AND e.owner = 'closed:budget' THEN e.amount ELSE 0 END)
FROM movements m JOIN entries e ON e.movement = m.id WHERE m.kind = 'close' GROUP BY m.id, m.subject, m.asked
"""
_HOLDS = "SELECT attempt, owners, amount, expires FROM holds"
_SETTLEMENTS = "SELECT attempt, price, exact, taken, taken_from FROM settlements"
_WIDE = Context(prec=200)

Sums = dict[tuple[str, str], int]


async def audit(transaction: Transaction, now: float) -> Audit:
    """All that it reads must be of one moment."""
    [[accounts, movements, entries, holds, settlements]] = await transaction.rows(_COUNTS)
    derived = await transaction.rows(_DERIVED)
    found = (
        _movements(await transaction.rows(_UNBALANCED), await transaction.rows(_STRAY)),
        _accounts(derived, await transaction.rows(_KEPT)),
        _windows(await transaction.rows(_WINDOWS), await transaction.rows(_CLOSED)),
        _closings(await transaction.rows(_CLOSINGS)),
        _holds(await transaction.rows(_OF_ATTEMPTS, ("held",)), await transaction.rows(_HOLDS), now),
        _settlements(await transaction.rows(_OF_ATTEMPTS, ("spent",)), await transaction.rows(_SETTLEMENTS)),
    )
    told = [one for kind in found for one in _few(kind)]
    return Audit(accounts, movements, entries, holds, settlements, tuple(told), _spent(derived))


def _few(found: Iterator[Discrepancy]) -> Iterator[Discrepancy]:
    yield from islice(found, MOST_TOLD)
    if next(found, None) is not None:
        yield Discrepancy("", f"more of this kind than {MOST_TOLD}")


def _movements(unbalanced: Rows, stray: Rows) -> Iterator[Discrepancy]:
    for movement, total in unbalanced:
        yield Discrepancy(movement, f"its entries sum to {int(total)}, and not to zero")
    for (movement,) in stray:
        yield Discrepancy(movement, "there are entries of it, and no such movement")


def _accounts(sums: Rows, accounts: Rows) -> Iterator[Discrepancy]:
    derived = _by_both(sums)
    for owner, *kept in accounts:
        for part, amount in zip(("available", "held", "spent", "granted"), kept, strict=True):
            total = derived.pop((owner, part), 0)
            if total != amount:
                yield Discrepancy(owner, f"{part} is {amount}, and {total} by the journal")
            if part != "granted" and amount < 0:
                yield Discrepancy(owner, f"{part} is {amount}, less than nothing")
    for (owner, part), total in derived.items():
        if total:
            yield Discrepancy(owner, f"there is no such account, and by the journal {part} is {total}")


def _windows(begun: Rows, budgets: Rows) -> Iterator[Discrepancy]:
    """A budget counts from where its newest window began; several may have begun at one time."""
    known: dict[str, set[int]] = {}
    for owner, closed in begun:
        known.setdefault(owner, set()).add(closed)
    for owner, closed in budgets:
        if closed not in known.get(owner, {0}):
            told = " or ".join(map(str, sorted(known[owner])))
            yield Discrepancy(owner, f"its window began when {closed} was spent, and {told} by the journal")


def _closings(closings: Rows) -> Iterator[Discrepancy]:
    """What a budget had spent is on the books as before; that it has nothing left is told by its account."""
    for movement, owner, spent, *moved in closings:
        gone, kept = map(int, moved)
        if not spent == gone == kept:
            yield Discrepancy(movement, f"it closes {owner} with {spent} spent, takes {gone} from it and keeps {kept}")
        if not owner.startswith("budget:"):
            yield Discrepancy(movement, f"it closes {owner}, which is no budget")


def _spent(sums: Rows) -> dict[str, int]:
    spent: dict[str, int] = {}
    for owner, part, total in sums:
        if part == "spent":
            kind = owner.partition(":")[0]
            spent[kind] = spent.get(kind, 0) + int(total)
    return spent


def _holds(sums: Rows, holds: Rows, now: float) -> Iterator[Discrepancy]:
    derived = _by_both(sums)
    for attempt, owners, amount, expires in holds:
        for owner in json.loads(owners):
            total = derived.pop((attempt, owner), 0)
            if total != amount:
                yield Discrepancy(attempt, f"{amount} is held on {owner}, and {total} by the journal")
        if expires < now - GRACE:
            yield Discrepancy(attempt, f"its hold should have ended {now - expires:.0f} s ago; does no gateway run?")
    for (attempt, owner), total in derived.items():
        yield Discrepancy(attempt, f"by the journal {total} is held on {owner}, and there is no such hold")


def _settlements(sums: Rows, settlements: Rows) -> Iterator[Discrepancy]:
    derived = _by_both(sums)
    for attempt, price, exact, taken, taken_from in settlements:
        by_owner: dict[str, int] = json.loads(taken_from)
        for owner, amount in by_owner.items():
            total = derived.pop((attempt, owner), 0)
            if total != amount:
                yield Discrepancy(attempt, f"{amount} was taken from {owner}, and {total} by the journal")
        if taken != next(iter(by_owner.values()), 0) or taken > price:
            yield Discrepancy(attempt, f"{taken} was taken for a price of {price}")
        if price != Decimal(exact).to_integral_value(ROUND_CEILING, _WIDE):
            yield Discrepancy(attempt, f"its price is {price}, and not {exact} rounded up")
    for (attempt, owner), total in derived.items():
        yield Discrepancy(attempt, f"by the journal {total} was taken from {owner}, and there is no such settlement")


def _by_both(sums: Rows) -> Sums:
    """PostgreSQL has sums as decimals."""
    return {(first, second): int(total) for first, second, total in sums}
