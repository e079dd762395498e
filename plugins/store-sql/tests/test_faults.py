"""Whatever statement and whatever commit fails: what was told is true, a retry works, and all is done exactly once."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from breaking import Breaking
from deeds import Clock, Deeds
from gateway_store_sql import together, writer
from gateway_store_sql.book import Book
from gateway_store_sql.keys import Uses
from gateway_store_sql.ledger import SqlLedger
from gateway_store_sql.postgres import lanes, outbox
from gateway_store_sql.postgres.outbox import Outbox
from gateway_store_sql.together import Together
from gateway_store_sql.writer import Writer, unavailable
from places import Place

from gateway import NotFound, Store, Unavailable
from gateway.ledger import Ledger

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for company."""
    for name in ("LINGER", "BACKOFF_FIRST"):
        for module in (together, writer, outbox):
            monkeypatch.setattr(module, name, 0.001)


@pytest.fixture
def breaking() -> Breaking:
    return Breaking()


@pytest.fixture
async def store(place: Place, breaking: Breaking) -> AsyncIterator[Store]:
    store = place.store()
    if place.server is None:
        breaking.on_sqlite(store)
    await store.open()
    if place.server is not None:
        breaking.on_postgres(store)
    yield store
    await store.close()


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ledger(store: Any, clock: Clock) -> AsyncIterator[Ledger]:
    ledger = SqlLedger(store._database, logging.getLogger("test.faults"), clock)
    ledger.open()
    yield ledger
    await ledger.close()


@pytest.fixture
def broken(store: Store, ledger: Ledger, clock: Clock, breaking: Breaking) -> Callable[..., Any]:
    """`await broken()`: all deeds again and again, with one statement more before the failure each time, until none is
    left to fail. How many there were, and how often the store said that something was not done.
    """

    async def once(at: int, taken: bool) -> int:
        deeds = Deeds(store, ledger, clock, f"u{at:04}{taken:d}")
        breaking.arm(at, taken)
        await deeds.do()
        breaking.disarm()
        await deeds.judge()
        assert deeds.refusals <= 2  # who waits with others is refused with them
        return deeds.refusals

    async def run() -> tuple[int, int]:
        refusals = 0
        for at in range(1, 1000):
            refusals += await once(at, True)
            if not breaking.fell_on:
                return at - 1, refusals
            if breaking.fell_on == "COMMIT":
                await once(at, False)
        raise AssertionError("it has no end")

    return run


async def test_whatever_statement_fails_all_is_done_once_and_who_asked_was_told(broken: Callable[..., Any]) -> None:
    """The controls below take away what makes it true, and the same run fails."""
    statements, refusals = await broken()
    assert statements > 100
    assert refusals > statements * 0.9


def forget_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody awaits is not kept where a transaction fails."""
    keep = Together._keep

    def without(self: Together[Any], taken: Any, failure: Any) -> None:
        keep(self, taken, failure)
        self._waiting = deque()

    monkeypatch.setattr(Together, "_keep", without)


def charge_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A settlement that is asked for twice is made twice."""
    again = Book._settle_again

    def twice(self: Book, settlement: Any) -> None:
        before = self.settled.get(settlement.attempt)
        if before is None or before.settlement.outcome == "unknown":
            return again(self, settlement)
        payer = next(iter(before.taken))
        self._given(f"again:{settlement.attempt}:{len(self.movements)}", "again", payer, -settlement.charge.price)
        return None

    monkeypatch.setattr(Book, "_settle_again", twice)


def forget_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Usage records are not kept where they cannot be written."""
    keep = Writer._keep

    def without(self: Writer, batch: Any, failure: Any) -> None:
        batch.records = []
        keep(self, batch, failure)

    async def never(self: Outbox) -> None:
        self._records.clear()

    monkeypatch.setattr(Writer, "_keep", without)
    monkeypatch.setattr(Outbox, "_set_aside", never)


def forget_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job begins anew where it is tried again, and finds nothing of what it had taken."""

    def job(self: Uses) -> Any:
        async def update(transaction: Any) -> None:
            taken = []
            while (use := self._take()) is not None:
                taken.append(use)
            await transaction.many("UPDATE api_keys SET last_used = ?2 WHERE id = ?1", taken)

        return update

    monkeypatch.setattr(Uses, "_job", job)


def never_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may have been held for all the refusal stays held."""
    monkeypatch.setattr(Book, "release", lambda self, release: None)


def say_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose job ran through is told that it was done, though the commit failed."""

    def refuse(self: Writer, awaited: Any, failure: Any) -> None:
        for job in awaited:
            job.outcome = unavailable(failure) if job.outcome is None else job.outcome
        self._settle(awaited)

    def fail(slots: Any, error: Exception) -> None:
        for slot in slots:
            slot.outcome = error if slot.outcome is None else slot.outcome

    monkeypatch.setattr(Writer, "_refuse", refuse)
    monkeypatch.setattr(lanes, "_fail", fail)


CONTROLS = (forget_works, charge_again, forget_records, forget_uses, never_release, say_done)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.__name__)
async def test_it_fails_where_something_that_it_needs_is_taken_away(
    control: Callable[[pytest.MonkeyPatch], None],
    broken: Callable[..., Any],
    breaking: Breaking,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    control(monkeypatch)
    with pytest.raises((AssertionError, NotFound)):
        await broken()
    assert breaking.fell_on or control in (charge_again, never_release)  # which need no failure to be seen


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
async def test_operators_are_told_what_became_of_a_connection(store: Any, breaking: Breaking) -> None:
    """And not that one which is gone cannot be ended."""
    breaking.arm(3)  # `lost_before`
    with pytest.raises(Unavailable) as caught:
        await store.keys.revoke("key_none", 1.0)
    assert "terminating connection" in str(caught.value.__cause__)
