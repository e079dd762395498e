"""LimitsPermission: takes what a call needs of every limit that is for it, all or nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from gateway import (
    Allowance,
    Attempt,
    Counters,
    Exchange,
    Grant,
    Lease,
    Outcome,
    Permission,
    RateLimited,
    Taken,
    Want,
)

from .gcra import SECOND, Measure
from .rules import Rule

BYTES_PER_TOKEN = 4
SLOT_WAIT = 1.0
"""Seconds after which it is worth asking again for a slot: nobody knows when one comes back."""
Asked = tuple[Rule, Measure]


class LimitsLease(Lease):
    """At the end tokens come to what was used, and slots go back."""

    __slots__ = ("_attempts", "_costs", "_grant", "_measures")

    def __init__(
        self, grant: Grant, asked: Sequence[Asked], wants: Sequence[Want], attempts: Sequence[Attempt]
    ) -> None:
        self._grant = grant
        self._measures = [measure for _, measure in asked]
        self._costs = [want.cost for want in wants]
        self._attempts = attempts

    def settle(self, outcome: Outcome) -> None:
        tokens = sum(attempt.usage.total for attempt in self._attempts if attempt.usage is not None)
        costs = [
            measure.cost(tokens) if measure.of == "tokens" else cost
            for measure, cost in zip(self._measures, self._costs, strict=True)
        ]
        self._grant.settle(costs)


class LimitsPermission(Permission):
    """Of one scope. assumed_output: tokens set aside where a call names no maximum. clock: epoch seconds."""

    def __init__(
        self,
        scope: Literal["exchange", "attempt"],
        rules: Sequence[Rule],
        counters: Counters,
        assumed_output: int,
        clock: Callable[[], float],
    ) -> None:
        self.scope = scope
        self._rules = tuple(rules)
        self._counters = counters
        self._assumed_output = assumed_output
        self._clock = clock

    async def check(self, exchange: Exchange, attempt: Attempt | None) -> Lease | None:
        """Raises RateLimited; lists of models are never limited."""
        kind = exchange.inbound.operation.kind
        if kind == "models":
            return None
        asked, wants = self._asked(exchange, attempt, kind == "count")
        if not wants:
            return None
        taken = await self._counters.take(wants)
        (attempt or exchange).allowances = self._allowances(asked, taken.used)
        if taken.grant is None:
            raise refusal(asked, wants, taken)
        if all(measure.of == "requests" for _, measure in asked):
            return None
        return LimitsLease(taken.grant, asked, wants, exchange.attempts if attempt is None else (attempt,))

    def _asked(self, exchange: Exchange, attempt: Attempt | None, counts: bool) -> tuple[list[Asked], list[Want]]:
        asked: list[Asked] = []
        wants: list[Want] = []
        tokens = -1
        for rule in self._rules:
            whom = rule.of(exchange, attempt)
            if whom is None:
                continue
            for measure in rule.measures_of_count if counts else rule.measures:
                units = 1
                if measure.of == "tokens":
                    units = tokens = self._estimate(exchange) if tokens < 0 else tokens
                cost = 1 if measure.held else min(measure.most, measure.cost(units))
                asked.append((rule, measure))
                wants.append(Want(rule.counter(measure, whom), cost, measure.most, measure.held))
        return asked, wants

    def _estimate(self, exchange: Exchange) -> int:
        """Tokens that the call may come to: of its text, and of the longest reply that it allows."""
        inbound, envelope = exchange.inbound, exchange.envelope
        size = len(inbound.body) if inbound.intake is None else inbound.intake.text_bytes
        output = envelope.max_output
        if output is None:
            output = self._assumed_output if inbound.operation.kind == "generate" else 0
        return -(-size // BYTES_PER_TOKEN) + output * envelope.choices

    def _allowances(self, asked: Sequence[Asked], used: Sequence[int]) -> Sequence[Allowance]:
        now = self._clock()
        return [
            Allowance(measure.of, measure.at_once, measure.left(taken), taken / SECOND, now)
            for (_, measure), taken in zip(asked, used, strict=True)
            if measure.of != "concurrency"
        ]


def refusal(asked: Sequence[Asked], wants: Sequence[Want], taken: Taken) -> RateLimited:
    """By the limit that is longest in the way."""
    waits = [
        (_wait(measure, want, used), number)
        for number, ((_, measure), want, used) in enumerate(zip(asked, wants, taken.used, strict=True))
        if used + want.cost > want.most
    ]
    wait, number = max(waits)
    rule, measure = asked[number]
    after = max(1, math.ceil(wait))
    return RateLimited(f"{_words(rule, measure)} Try again in {after} s.", retry_after=after)


def _wait(measure: Measure, want: Want, used: int) -> float:
    return SLOT_WAIT if measure.held else measure.wait(used, want.cost)


def _words(rule: Rule, measure: Measure) -> str:
    if measure.held:
        running = "1 request runs" if measure.limit == 1 else f"{measure.limit} requests run"
        return f"{running} already for {rule.whose}, which is all that may at a time."
    span = spoken(measure.window / SECOND)
    if measure.of == "requests":
        return f"The limit of {measure.limit} requests in {span} for {rule.whose} is reached."
    return f"The limit of {measure.limit} tokens in {span} for {rule.whose} has too few left for this call."


def spoken(seconds: float) -> str:
    """In the largest unit that it is whole in."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:g} s"
