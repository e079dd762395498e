"""PriceLease: what an attempt came to. HoldLease: what is held for it, and its growth with a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from gateway import Attempt, Charge, Exchange, GatewayError, Lease, Ledger, Outcome, QuotaExceeded, Usage
from gateway.ledger import Settlement
from gateway.money import Rates, round_up

from .live import Live
from .tariffs import ONE, Rated


@dataclass(frozen=True, slots=True)
class Till:
    """Where leases are paid. clock: epoch seconds. cancel_rate: of what a client left, where that is estimated. live:
    the holds of this process. step: tokens that a stream without a limit is held for at a time.
    """

    ledger: Ledger
    clock: Callable[[], float]
    cancel_rate: Decimal
    live: Live
    step: int


class PriceLease(Lease):
    def __init__(self, exchange: Exchange, attempt: Attempt, rated: Rated, till: Till) -> None:
        self._exchange = exchange
        self._attempt = attempt
        self._rated = rated
        self._till = till

    def settle(self, outcome: Outcome) -> None:
        attempt, till = self._attempt, self._till
        usage = attempt.usage or Usage()
        factor = till.cancel_rate if outcome == "client_gone" and usage.estimated else ONE
        attempt.charge = self._rated.charge(attempt.rule, usage, factor)
        till.ledger.settle(settlement(self._exchange, attempt, till.clock(), outcome, usage, attempt.charge))


@dataclass(slots=True)
class Cover:
    """What is held for: so many output tokens at these rates. limited: the upstream was told not to write more."""

    rates: Rates
    wrote: int
    limited: bool


class HoldLease(PriceLease):
    """A stream that writes more than what is held pays for is held for again, and stopped where nothing is left."""

    def __init__(self, exchange: Exchange, attempt: Attempt, rated: Rated, till: Till, cover: Cover) -> None:
        super().__init__(exchange, attempt, rated, till)
        self._cover = cover
        self._refused = False
        self._asking: asyncio.Task[None] | None = None
        till.live[attempt.id] = None

    def progress(self, usage: Usage) -> None:
        if self._refused:
            raise QuotaExceeded("The balance is spent, so that this reply ends here.")
        wrote = usage.output or 0
        if wrote > self._cover.wrote and self._asking is None and self._is_beyond(wrote, usage.estimated):
            self._asking = asyncio.ensure_future(self._ask_for_more())

    def settle(self, outcome: Outcome) -> None:
        self._till.live.pop(self._attempt.id, None)
        super().settle(outcome)

    def _is_beyond(self, wrote: int, estimated: bool) -> bool:
        """An estimate is too high for texts of more than four bytes a token, which hardly ever have six: a reply that
        keeps to its limit must not be cut for it.
        """
        slack = 3 if estimated and self._cover.limited else 2
        return 2 * wrote > slack * self._cover.wrote and self._cover.rates.output > 0

    async def _ask_for_more(self) -> None:
        """The stream goes on meanwhile. Where the ledger cannot be asked, nobody is known to pay for the rest."""
        rates = self._cover.rates
        try:
            got = await self._till.ledger.extend(self._attempt.id, round_up(rates.wrote(self._till.step)))
        except GatewayError:
            got = 0
        self._cover.wrote += int(got // rates.output)
        self._refused = got == 0
        self._asking = None


def settlement(
    exchange: Exchange,
    attempt: Attempt,
    at: float,
    outcome: Outcome | Literal["unknown"],
    usage: Usage,
    charge: Charge,
) -> Settlement:
    return Settlement(
        attempt=attempt.id,
        at=at,
        user_id=exchange.principal.user_id,
        key_id=exchange.principal.key_id,
        agent=exchange.route.agent if exchange.route is not None else "",
        endpoint=attempt.target.endpoint,
        model=attempt.target.model,
        outcome=outcome,
        usage=usage,
        charge=charge,
    )
