"""BalancePermission: nothing goes upstream before it is held for. PricePermission: calls are priced, nothing is held.

Both hand out a lease for each attempt, which says what it came to when it is settled.
"""

from __future__ import annotations

from gateway import Attempt, Exchange, Forbidden, Lease, Permission, QuotaExceeded, Terms, Usage
from gateway.ledger import Claim, Hold, Short
from gateway.money import in_words

from .estimate import Estimate, charge_of, estimate, least_of
from .lease import Cover, HoldLease, PriceLease, Till, settlement
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
    """terms: of every account. ttl: seconds for which a hold outlives the process that took it."""

    scope = "attempt"

    def __init__(self, tariffs: Tariffs, till: Till, terms: Terms, ttl: float) -> None:
        self._tariffs = tariffs
        self._till = till
        self._terms = terms
        self._ttl = ttl

    async def check(self, exchange: Exchange, attempt: Attempt | None) -> Lease | None:
        assert attempt is not None
        rated = self._tariffs.of(attempt.target)
        guess = estimate(exchange, rated, self._till.step)
        hold = self._hold(exchange, attempt, rated, guess)
        held = await self._held(hold)
        cover = Cover(rated.charged.of(guess.input), guess.output, guess.limited)
        if held < hold.most and guess.output:
            cover.wrote, cover.limited = rated.charged.affordable(held, guess.input) or 0, True
            attempt.max_output = cover.wrote // guess.choices
        return HoldLease(exchange, attempt, rated, self._till, cover)

    def _hold(self, exchange: Exchange, attempt: Attempt, rated: Rated, guess: Estimate) -> Hold:
        now, usage = self._till.clock(), Usage(input=guess.input, output=guess.output, estimated=True)
        charge = charge_of(guess, rated)
        return Hold(
            attempt=attempt.id,
            claims=(Claim(owner_of(exchange), self._terms),),
            most=charge.price,
            least=least_of(guess, rated),
            expires=now + self._ttl,
            unsettled=settlement(exchange, attempt, now, "unknown", usage, charge),
        )

    async def _held(self, hold: Hold) -> int:
        """How much is held. Raises QuotaExceeded, and Unavailable where the ledger cannot be asked."""
        try:
            held = await self._till.ledger.hold(hold)
        except BaseException:  # also where the client left meanwhile: it may have been held all the same
            self._till.ledger.release(hold.attempt, [claim.owner for claim in hold.claims])
            raise
        if isinstance(held, Short):
            raise self._refusal(hold, held)
        return held.amount

    def _refusal(self, hold: Hold, short: Short) -> QuotaExceeded:
        wait = None if short.refill is None else max(0.0, short.refill - self._till.clock())
        return QuotaExceeded(
            f"The balance does not cover this call: it needs {in_words(hold.least)} at least, and"
            f" {in_words(short.available)} are left.",
            retry_after=wait,
        )


def owner_of(exchange: Exchange) -> str:
    """The account that pays. Raises Forbidden where there is nobody to pay."""
    if not exchange.principal.user_id:
        raise Forbidden("This credential belongs to no user, so that nobody could be charged for the call.")
    return f"user:{exchange.principal.user_id}"
