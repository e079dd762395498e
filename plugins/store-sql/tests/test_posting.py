"""Whatever is held, settled and ended, in whatever order and company: all sums are those of a simple model."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
from gateway_store_sql.audit import audit
from gateway_store_sql.book import Extension, Release, Work
from gateway_store_sql.plan import shipped
from gateway_store_sql.posting import expire, post
from gateway_store_sql.sqlite import run
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway import Charge
from gateway.ledger import Claim, Held, Hold, Settlement, Short
from gateway.money import Refill, Terms

OWNERS = ("user:a", "user:b", "team:c")
ATTEMPTS = [f"at_{number}" for number in range(12)]
TERMS = Terms(100, Refill(30, 50, "seconds"))
amounts = st.integers(0, 150)
attempts = st.sampled_from(ATTEMPTS)


def settlement(attempt: str, price: int, unknown: bool = False) -> Settlement:
    charge = Charge("unknown" if unknown else "reported", price, str(price))
    outcome = "unknown" if unknown else "complete"
    return Settlement(attempt=attempt, at=1.0, endpoint="e", model="m", outcome=outcome, charge=charge)


holds = st.builds(
    lambda attempt, owners, most, least, life: (attempt, tuple(owners), max(most, least), min(most, least), life),
    attempts,
    st.lists(st.sampled_from(OWNERS), min_size=1, max_size=3, unique=True),
    amounts,
    amounts,
    st.integers(0, 100),
)
works = st.lists(
    st.one_of(
        holds,
        st.builds(settlement, attempts, amounts),
        st.builds(Release, attempts),
        st.builds(Extension, attempts, amounts),
    ),
    max_size=6,
)


class Books(RuleBasedStateMachine):
    """The model knows what every account was given, and what is held for and was taken by every attempt."""

    @initialize()
    def begin(self) -> None:
        self.connection = apsw.Connection(":memory:")
        for migration in shipped():
            self.connection.execute(migration.sql).fetchall()
        self.now = 1000.0
        self.given: dict[str, int] = {}
        self.refilled: dict[str, float] = {}
        self.held: dict[str, dict[str, int]] = {}
        self.ends: dict[str, float] = {}
        self.taken: dict[str, dict[str, int]] = {}
        self.unknown: set[str] = set()
        self.used: set[str] = set()

    def teardown(self) -> None:
        self.connection.close()

    @rule(given=works, seconds=st.integers(0, 60))
    def work(self, given: Sequence[object], seconds: int) -> None:
        self.now += seconds
        batch: list[Work] = [self._hold(*one) if isinstance(one, tuple) else one for one in given]  # type: ignore[misc]
        batch = self._without_reused(batch)
        outcomes = run(lambda transaction: post(transaction, batch, self.now), self.connection)
        for one, outcome in zip(batch, outcomes, strict=True):
            assert outcome == self._wanted(one), one

    @rule(seconds=st.integers(0, 60))
    def sweep(self, seconds: int) -> None:
        self.now += seconds
        late = [attempt for attempt in self.held if self.ends[attempt] < self.now]
        assert run(lambda transaction: expire(transaction, self.now, 64), self.connection) == len(late)
        for attempt in late:
            self.taken[attempt] = self.held.pop(attempt)
            self.unknown.add(attempt)

    @invariant()
    def sums_are_those_of_the_model(self) -> None:
        if not hasattr(self, "connection"):
            return
        rows = self.connection.execute("SELECT owner, available, held, spent, granted FROM accounts").fetchall()
        assert sorted(row[0] for row in rows) == sorted(self.given)
        for owner, available, held, spent, granted in rows:
            assert (available, held, spent, -granted) == (self._available(owner), *self._sums(owner), self.given[owner])
            assert available >= 0

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        if hasattr(self, "connection"):
            assert run(lambda transaction: audit(transaction, 0.0), self.connection).discrepancies == ()

    def _hold(self, attempt: str, owners: tuple[str, ...], most: int, least: int, life: int) -> Hold:
        claims = tuple(Claim(owner, TERMS) for owner in owners)
        return Hold(attempt, claims, most, least, self.now + life, settlement(attempt, most, unknown=True))

    def _without_reused(self, batch: list[Work]) -> list[Work]:
        """An attempt is held for once."""
        kept: list[Work] = []
        for one in batch:
            if not isinstance(one, Hold):
                kept.append(one)
            elif one.attempt not in self.used and one.attempt not in self.taken:
                self.used.add(one.attempt)
                kept.append(one)
        return kept

    def _sums(self, owner: str) -> tuple[int, int]:
        held = sum(by_owner.get(owner, 0) for by_owner in self.held.values())
        return held, sum(by_owner.get(owner, 0) for by_owner in self.taken.values())

    def _available(self, owner: str) -> int:
        return self.given[owner] - sum(self._sums(owner))

    def _wanted(self, work: Work) -> object:
        if isinstance(work, Hold):
            return self._held(work)
        if isinstance(work, Settlement):
            return self._settled(work)
        by_owner = self.held.get(work.attempt, {})
        if isinstance(work, Release):
            self.held.pop(work.attempt, None)
            return None
        more = min([work.more, *(self._available(owner) for owner in by_owner)]) if by_owner else 0
        for owner in by_owner:
            by_owner[owner] += more
        return more

    def _held(self, hold: Hold) -> Held | Short:
        owners = [claim.owner for claim in hold.claims]
        for owner in owners:
            if owner not in self.given:
                self.given[owner], self.refilled[owner] = 100, self.now
        for owner in owners:
            if self._available(owner) <= hold.least and self.refilled[owner] + 50 <= self.now:
                self.given[owner] += 30
                self.refilled[owner] = self.now
            if self._available(owner) < hold.least:
                return Short(owner, self._available(owner), self.refilled[owner] + 50)
        amount = min([hold.most, *(self._available(claim.owner) for claim in hold.claims)])
        self.held[hold.attempt] = {claim.owner: amount for claim in hold.claims}
        self.ends[hold.attempt] = hold.expires
        return Held(amount)

    def _settled(self, one: Settlement) -> None:
        """What has been taken before, as unknown, counts as held."""
        attempt, price = one.attempt, one.charge.price
        before = self.held.pop(attempt, None)
        if before is None and attempt in self.unknown:
            self.unknown.discard(attempt)
            before = self.taken.pop(attempt)
        if before is None:
            self.taken.setdefault(attempt, {})
            return
        self.taken[attempt] = {owner: min(price, self._available(owner)) for owner in before}


Books.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestBooks = Books.TestCase
