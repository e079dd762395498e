"""PriceLease: what an attempt came to. HoldLease: what is held for it, and its growth with a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from gateway import Attempt, Charge, Exchange, GatewayError, Lease, Ledger, Outcome, QuotaExceeded, Usage
from gateway.ledger import Claim, Settlement
from gateway.money import Rates, round_up

from .live import Live
from .payers import Payers
from .soft import Soft
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
    """What is held for: so many output tokens at these rates. limited: the upstream was told not to write more. rest:
    nano-USD that may be held besides, where a run without a name has a budget; ceiling is its owner. soft: None where
    the attempt counts against no soft budget.
    """

    rates: Rates
    wrote: int
    limited: bool
    rest: int | None = None
    ceiling: str = ""
    soft: Soft | None = None


class HoldLease(PriceLease):
    """A stream that writes more than what is held pays for is held for again, and stopped where nothing is left."""

    def __init__(
        self, exchange: Exchange, attempt: Attempt, rated: Rated, till: Till, payers: Payers, cover: Cover
    ) -> None:
        super().__init__(exchange, attempt, rated, till)
        self._payers = payers
        self._cover = cover
        self._refused: QuotaExceeded | None = None
        self._asking: asyncio.Task[None] | None = None
        till.live[attempt.id] = None

    def progress(self, usage: Usage) -> None:
        if self._refused is not None:
            raise self._refused
        wrote = usage.output or 0
        if wrote > self._cover.wrote and self._asking is None and self._is_beyond(wrote, usage.estimated):
            self._asking = asyncio.ensure_future(self._ask_for_more())

    def whole(self, usage: Usage) -> None:
        if self._cover.soft is not None:
            self._cover.soft.note(self._attempt, self._rated.charge("reported", usage).price)

    def settle(self, outcome: Outcome) -> None:
        self._till.live.pop(self._attempt.id, None)
        super().settle(outcome)
        if self._cover.soft is not None and self._attempt.charge is not None:
            self._cover.soft.note(self._attempt, self._attempt.charge.price)

    def _is_beyond(self, wrote: int, estimated: bool) -> bool:
        """An estimate is too high for texts of more than four bytes a token, which hardly ever have six: a reply that
        keeps to its limit must not be cut for it.
        """
        slack = 3 if estimated and self._cover.limited else 2
        return 2 * wrote > slack * self._cover.wrote and self._cover.rates.output > 0

    async def _ask_for_more(self) -> None:
        """The stream goes on meanwhile. Where the ledger cannot be asked, nobody is known to pay for the rest."""
        cover, step = self._cover, round_up(self._cover.rates.wrote(self._till.step))
        owner = ""
        claims: Sequence[Claim] = ()
        try:
            more = step if cover.rest is None else min(step, cover.rest)
            claims = self._payers.claims(self._exchange)
            got = await self._till.ledger.extend(self._attempt.id, more, claims) if more else 0
            if not got:
                owner = cover.ceiling if not more else await self._exhausted(claims)
        except GatewayError:
            got = 0
        cover.wrote += int(got // cover.rates.output)
        cover.rest = None if cover.rest is None else cover.rest - got
        self._refused = None if got else self._payers.stop(self._exchange, owner)
        if got and cover.soft is not None:
            await cover.soft.look(self._till.ledger, claims, got)
        self._asking = None

    async def _exhausted(self, claims: Sequence[Claim]) -> str:
        """The owner of the first account that has nothing to give; "" where that is not known."""
        for claim in claims:
            soft = claim.terms.cap is not None and claim.terms.cap.soft
            if not soft and (await self._till.ledger.account(claim.owner, claim.terms)).available <= 0:
                return claim.owner
        return ""


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
