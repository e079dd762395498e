"""Meter, and the end of every exchange: leases settled and the record written, once, whatever happened.

It runs in a `finally`, often while the request is being cancelled: an `await` here could be cancelled again and lose
the bill. So nothing here waits; leases and meters enqueue, and the store's writer commits.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..store import AttemptRecord, Outcome, UsageRecord
from ..usage import Usage
from .settlement import rule_of, used

if TYPE_CHECKING:
    from .exchange import Attempt, Exchange
    from .permit import Lease

_NOTHING = Usage()
log = logging.getLogger("gateway.settle")


class Meter(ABC):
    """Receiver of usage records. Sync, never blocks: enqueue."""

    def started(self, exchange: Exchange) -> None:  # noqa: B027
        """An exchange began; its principal is not known yet."""

    @abstractmethod
    def record(self, record: UsageRecord) -> None:
        """It ended. Called once an exchange."""


def settle(exchange: Exchange, meters: Sequence[Meter]) -> None:
    """One plugin's failure keeps no other from settling. The record of what goes on elsewhere is written there."""
    now = time.monotonic()
    for attempt in exchange.attempts:
        answered = exchange.first_byte is not None and attempt is exchange.attempts[-1]
        settle_attempt(attempt, exchange.outcome, now, answered)
    _settle_leases(exchange.leases, exchange.outcome)
    if exchange.steps is not None and exchange.steps.leaving:
        return
    record = record_of(exchange, now)
    for meter in meters:
        try:
            meter.record(record)
        except Exception:
            log.exception("a meter failed on %s", exchange.id)


def settle_attempt(attempt: Attempt, outcome: Outcome, now: float, answered: bool = False) -> None:
    """At once where another is made after it, so that it holds on to nothing meanwhile. Any number of times.

    answered: the client had something of its reply.
    """
    _close(attempt, outcome, now, answered)
    _settle_leases(attempt.leases, attempt.outcome)


def record_of(exchange: Exchange, now: float) -> UsageRecord:
    """The exchange as one record; `now` of the monotonic clock."""
    attempts = exchange.attempts
    last = attempts[-1] if attempts else None
    route, principal = exchange.route, exchange.principal
    usage = _own(attempts[0]) if len(attempts) == 1 else _sum(attempts)
    return UsageRecord(
        id=exchange.id,
        started=exchange.began,
        duration=now - exchange.started,
        status=exchange.status,
        outcome=exchange.outcome,
        operation=exchange.inbound.operation.kind,
        dialect=exchange.dialect.name,
        user_id=principal.user_id,
        key_id=principal.key_id,
        key_label=principal.key_label,
        agent=route.agent if route else "",
        endpoint=last.target.endpoint if last else "",
        model_asked=exchange.envelope.model or "",
        model_served=last.target.model if last else "",
        upstream_dialect=last.dialect if last else "",
        stream=exchange.envelope.stream,
        usage=usage,
        loss=tuple(exchange.loss),
        error=exchange.error,
        first_byte=exchange.first_byte,
        request_id=exchange.request_id,
        peer=exchange.inbound.peer,
        attempts=tuple(_attempt_record(attempt, now) for attempt in attempts),
        parent=exchange.parent.id if exchange.parent is not None else "",
        delegated=exchange.asks and all(attempt.delegates for attempt in attempts),
    )


def _close(attempt: Attempt, outcome: Outcome, now: float, answered: bool) -> None:
    if attempt.outcome == "fault" and not attempt.error:
        attempt.outcome = outcome
    attempt.ended = attempt.ended or now
    attempt.usage = used(attempt)
    attempt.rule = rule_of(attempt, answered)


def _settle_leases(leases: list[Lease], outcome: Outcome) -> None:
    while leases:
        try:
            leases.pop().settle(outcome)
        except Exception:
            log.exception("a lease did not settle")


def _sum(attempts: Sequence[Attempt]) -> Usage:
    total = _NOTHING
    for attempt in attempts:
        total = total + _own(attempt)
    return total


def _own(attempt: Attempt) -> Usage:
    """What others used for it is in their own records."""
    return _NOTHING if attempt.delegates else attempt.usage or _NOTHING


def _attempt_record(attempt: Attempt, now: float) -> AttemptRecord:
    return AttemptRecord(
        id=attempt.id,
        endpoint=attempt.target.endpoint,
        model=attempt.target.model,
        dialect=attempt.dialect,
        outcome=attempt.outcome,
        status=attempt.status,
        upstream_id=attempt.upstream_id,
        usage=_own(attempt),
        error=attempt.error,
        started=attempt.began,
        duration=(attempt.ended or now) - attempt.started,
        charge=attempt.charge,
        passed=attempt.passed,
    )
