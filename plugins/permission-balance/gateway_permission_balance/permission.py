"""BalancePermission: nothing goes upstream before it is held for. PricePermission: calls are priced, nothing is held.

Both hand out a lease for each attempt, which says what it came to when it is settled.
"""

from __future__ import annotations

import msgspec

from gateway import Attempt, Exchange, Lease, Permission, Usage
from gateway.ledger import Claim, Held, Hold, Short

from .budgets import Owned
from .estimate import Estimate, charge_of, estimate, least_of
from .lease import Cover, HoldLease, PriceLease, Till, settlement
from .payers import Payers
from .soft import Soft
from .tariffs import Rated, Tariffs


class PricePermission(Permission):
    scope = "attempt"

    def __init__(self, tariffs: Tariffs, till: Till) -> None:
        self._tariffs = tariffs
        self._till = till

    async def check(self, exchange: Exchange, attempt: Attempt | None) -> Lease | None:
        assert attempt is not None
        return PriceLease(exchange, attempt, self._tariffs.of(attempt.target), self._till)


class BalancePermission(Permission):
    """Holds on balances, on budgets, or on both. ttl: seconds for which a hold outlives the process that took it.
    unclaimed: what is done with calls that nobody has to pay for, where anything is.
    """

    scope = "attempt"

    def __init__(
        self, tariffs: Tariffs, till: Till, payers: Payers, ttl: float, unclaimed: Permission | None = None
    ) -> None:
        self._tariffs = tariffs
        self._till = till
        self._payers = payers
        self._ttl = ttl
        self._unclaimed = unclaimed

    async def check(self, exchange: Exchange, attempt: Attempt | None) -> Lease | None:
        assert attempt is not None
        payers = self._payers
        if not payers.known:
            await payers.read()
        claims, ceiling = payers.claims(exchange), payers.ceiling(exchange)
        if not claims and ceiling is None:
            return None if self._unclaimed is None else await self._unclaimed.check(exchange, attempt)
        rated = self._tariffs.of(attempt.target)
        guess = estimate(exchange, rated, self._till.step)
        hold = self._hold(exchange, attempt, rated, guess, claims)
        cover = Cover(rated.charged.of(guess.input), guess.output, guess.limited)
        most = hold.most
        if ceiling is not None:
            hold = self._beneath(exchange, hold, ceiling)
            cover.rest, cover.ceiling = ceiling.budget.amount, ceiling.owner
        held = await self._held(exchange, hold)
        if held.soft:
            cover.soft = Soft(held.soft, held.amount)
            cover.soft.note(attempt, hold.least)
        if cover.rest is not None:
            cover.rest -= held.amount
        if held.amount < most and guess.output:
            cover.wrote, cover.limited = rated.charged.affordable(held.amount, guess.input) or 0, True
            attempt.max_output = cover.wrote // guess.choices
        return HoldLease(exchange, attempt, rated, self._till, payers, cover)

    def _hold(
        self, exchange: Exchange, attempt: Attempt, rated: Rated, guess: Estimate, claims: tuple[Claim, ...]
    ) -> Hold:
        now, usage = self._till.clock(), Usage(input=guess.input, output=guess.output, estimated=True)
        charge = charge_of(guess, rated)
        return Hold(
            attempt=attempt.id,
            claims=claims,
            most=charge.price,
            least=least_of(guess, rated),
            expires=now + self._ttl,
            unsettled=settlement(exchange, attempt, now, "unknown", usage, charge),
        )

    def _beneath(self, exchange: Exchange, hold: Hold, ceiling: Owned) -> Hold:
        """No more is held than the run may cost. Raises QuotaExceeded where that is too little."""
        amount = ceiling.budget.amount
        if amount < hold.least:
            raise self._payers.refusal(exchange, Short(ceiling.owner, amount), hold.least)
        return msgspec.structs.replace(hold, most=min(hold.most, amount))

    async def _held(self, exchange: Exchange, hold: Hold) -> Held:
        """Raises QuotaExceeded, and Unavailable where the ledger cannot be asked."""
        try:
            held = await self._till.ledger.hold(hold)
        except BaseException:  # also where the client left meanwhile: it may have been held all the same
            self._till.ledger.release(hold.attempt, [claim.owner for claim in hold.claims])
            raise
        if isinstance(held, Short):
            raise self._payers.refusal(exchange, held, hold.least)
        return held
