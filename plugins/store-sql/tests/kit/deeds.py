"""All that a gateway writes, done once for a user of its own, however often it must be tried; and whether it was."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from gateway import Charge, Conflict, SealedKey, Store, Unavailable, UsageRecord
from gateway.ledger import Claim, Grant, Held, Hold, Ledger, Settlement
from gateway.money import Terms

T = TypeVar("T")
TERMS = Terms(1000)
TTL = 600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Deeds:
    """mark: of this user, and of all that is hers. refusals: how often the store said that it was not done.

    A caller does what the gateway does: it gives up what it could not hold, makes another key, sweeps again.
    """

    def __init__(self, store: Store, ledger: Ledger, clock: Clock, mark: str) -> None:
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._mark = mark
        self._tried = 0
        self.refusals = 0
        self._owner = f"user:{mark}"
        self.prices: dict[str, int] = {}
        self.keys: list[str] = []

    async def do(self) -> None:
        await self.identity()
        await self.money()
        await self.usage()

    async def identity(self) -> None:
        keys = self._store.keys
        user = await self.insist(self._user)
        first, second = await self.insist(lambda: self._key(user)), await self.insist(lambda: self._key(user))
        assert await self.insist(lambda: keys.revoke(first, self._clock.now))
        self.keys = [first, second]
        keys.touch(second, self._clock.now)
        self._store.usage.append(self.record("first"))
        await self.insist(self._store.usage.flush)
        kept = self._store.user_keys
        assert kept is not None
        for endpoint in ("near", "far"):
            sealed = SealedKey(endpoint, endpoint.encode())
            await self.insist(lambda sealed=sealed: kept.put(user, sealed))  # type: ignore[misc]
        await self.insist(lambda: kept.delete(user, "near"))

    async def money(self) -> None:
        ledger = self._ledger
        grant = Grant(f"grant {self._mark}", self._owner, "add", 500)
        await self.insist(lambda: ledger.grant(grant, TERMS))
        settled, twice = await asyncio.gather(self.held(), self.held())
        assert await self.insist(lambda: ledger.extend(settled, 20)) in (0, 20)
        self.settle(settled, 110)
        self.settle(twice, 7)
        self.settle(twice, 7)
        ledger.release(await self.held())
        lost, late = await self.held(), await self.held()
        await self.insist(ledger.flush)
        ledger.renew([late], self._clock.now + 2 * TTL)
        await self.insist(self._store.usage.flush)
        self._clock.now += 1.5 * TTL
        await self.insist(lambda: ledger.expire(self._clock.now))
        self._clock.now += TTL
        await self.insist(lambda: ledger.expire(self._clock.now))
        self.prices[lost] = 100
        self.settle(late, 40)
        await self.insist(ledger.flush)

    async def usage(self) -> None:
        for name in ("second", "third"):
            self._store.usage.append(self.record(name))
        await self.insist(self._store.usage.flush)

    async def held(self) -> str:
        return await self.insist(self._held)

    def settle(self, attempt: str, price: int) -> None:
        self.prices[attempt] = price
        self._ledger.settle(self._ended(attempt, price, "complete"))

    async def insist(self, do: Callable[[], Awaitable[T]]) -> T:
        """Until it is done."""
        for _ in range(5):
            try:
                return await asyncio.wait_for(do(), 20)
            except Unavailable:
                self.refusals += 1
        raise AssertionError("the store does not recover")

    def record(self, name: str) -> UsageRecord:
        return UsageRecord(
            id=f"{self._mark} {name}",
            started=1.0,
            duration=1.0,
            status=200,
            outcome="complete",
            operation="generate",
            dialect="d",
            user_id=self._mark,
        )

    async def _user(self) -> str:
        try:
            return (await self._store.users.create(self._mark)).id
        except Conflict:  # it was done, though not told
            found = await self._store.users.find(self._mark)
            assert found is not None
            return found.id

    async def _key(self, user: str) -> str:
        self._tried += 1
        digest = hashlib.sha256(f"{self._mark} {self._tried}".encode()).hexdigest()
        return (await self._store.keys.create(digest, "sk-12345", self._mark, user)).id

    async def _held(self) -> str:
        self._tried += 1
        attempt = f"at_{self._mark}_{self._tried:02}"
        unsettled = self._ended(attempt, 100, "unknown")
        try:
            found = await self._ledger.hold(
                Hold(attempt, (Claim(self._owner, TERMS),), 100, 1, self._clock.now + TTL, unsettled)
            )
        except Unavailable:
            self._ledger.release(attempt, (self._owner,))
            raise
        assert found == Held(100)
        return attempt

    def _ended(self, attempt: str, price: int, outcome: Any) -> Settlement:
        charge = Charge("unknown" if outcome == "unknown" else "reported", price, str(price), "by hand", "1")
        return Settlement(
            attempt=attempt, at=1.0, endpoint="far", model="m", outcome=outcome, charge=charge, user_id=self._mark
        )

    async def judge(self) -> None:
        """All of it is there, once, and nothing else."""
        [account] = [one for one in await self._ledger.accounts() if one.owner == self._owner]
        spent = sum(self.prices.values())
        assert (account.available, account.held, account.spent, account.granted) == (1500 - spent, 0, spent, 1500)
        settled = {one.attempt: one for one in await self._ledger.settlements(60) if one.user_id == self._mark}
        assert {attempt: one.taken for attempt, one in settled.items()} == self.prices
        outcomes = sorted(one.outcome for one in settled.values())
        assert outcomes == ["complete"] * 3 + ["unknown"]
        assert (await self._ledger.audit(self._clock.now)).discrepancies == ()
        await self._judge_keys()
        assert [total.exchanges for total in await self._store.usage.totals([], user_id=self._mark)] == [3]

    async def _judge_keys(self) -> None:
        user = await self._store.users.find(self._mark)
        assert user is not None
        kept = {key.id: (key.revoked, key.last_used) for key in await self._store.keys.list(user.id)}
        first, second = (kept.pop(key) for key in self.keys)
        assert first[0] is not None
        assert second[0] is None
        assert second[1] is not None
        assert len(kept) <= self.refusals  # made, and their text told to nobody
        own = self._store.user_keys
        assert own is not None
        found = [await own.get(user.id, endpoint) for endpoint in ("near", "far")]
        assert found == [None, SealedKey("far", b"far")]
