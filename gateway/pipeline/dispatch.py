"""Dispatcher: opens the target of a route, or the first of several that answers.

Failing over happens only here, before the first byte.
"""

from __future__ import annotations

from copy import copy

from ..settings.core import Core
from ..settings.routes import Retries
from .attempt import Sender
from .exchange import Exchange
from .failover import Failover
from .faults import Fault
from .opened import Opened
from .overflow import Overflow
from .retry import Budget, Policy, Timing
from .upload import complete

SEVERAL = Policy(on=frozenset[Fault](("429", "5xx", "timeout", "connect", "credentials")))
"""For routes of several targets that say nothing about failures: each is asked once."""


class Dispatcher:
    """retries: of routes without a policy of their own. budget: of all. overflow: how a long call is recognised."""

    def __init__(self, sender: Sender, retries: Retries, budget: Budget, timing: Timing, overflow: Overflow) -> None:
        self.sender = sender
        self._budget = budget
        self._timing = timing
        self._overflow = overflow
        self._plain = plain_policy(retries)

    def without_permissions(self) -> Dispatcher:
        """For the operator's own commands, which open no store."""
        other = copy(self)
        other.sender = self.sender.without_permissions()
        return other

    async def open(self, exchange: Exchange) -> Opened:
        """Raises what the last target raised."""
        route = exchange.route
        assert route is not None
        policy = route.policy or self._plain
        if policy is None:
            if len(route.targets) == 1:
                return await self.sender.open(exchange, route, route.targets[0])
            policy = SEVERAL
        await complete(exchange)
        failover = Failover(exchange, route, policy, self.sender, self._budget, self._timing, self._overflow)
        return await failover.open()


def dispatcher(core: Core, sender: Sender, timing: Timing | None = None) -> Dispatcher:
    retries, overflow = core.retries, Overflow.read(core.context_overflow)
    return Dispatcher(sender, retries, Budget(retries.share, retries.burst), timing or Timing(), overflow)


def plain_policy(retries: Retries) -> Policy | None:
    """None where nothing is tried again."""
    if not retries.most:
        return None
    faults: frozenset[Fault] = frozenset(str(fault) for fault in retries.on)  # type: ignore[misc]
    return Policy(on=faults, retries=retries.most, backoff=retries.backoff, patience=retries.patience)
