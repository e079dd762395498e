"""Failover: one call's way through the targets of a route, before the first byte goes to the client."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence

from ..errors import (
    BadCall,
    GatewayError,
    RateLimited,
    Refused,
    Unavailable,
    Unsupported,
    UpstreamError,
    UpstreamTimeout,
)
from ..provider import Target
from .attempt import Sender
from .belonging import belongings, places_of
from .breaker import Pass
from .exchange import Exchange
from .faults import fault_of, is_enough
from .first import begun
from .opened import Opened
from .overflow import Overflow
from .resolve import Route
from .retry import Budget, Policy, Timing
from .settle import settle_attempt

OF_A_TARGET = (Unavailable, RateLimited)
"""Refusals of ours that are always one target's own: limits of the caller were asked before."""
OF_ONE_TARGET = frozenset(("would_lose", "not_offered", "no_user_key", "expired_user_key"))
"""Codes of other refusals of ours that another target need not meet with."""
TIME_IS_UP = "route_timeout"


class Failover:
    """Made for one exchange. errors: what each try came to."""

    def __init__(
        self,
        exchange: Exchange,
        route: Route,
        policy: Policy,
        sender: Sender,
        budget: Budget,
        timing: Timing,
        overflow: Overflow,
    ) -> None:
        self._exchange = exchange
        self._route = route
        self._policy = policy
        self._sender = sender
        self._budget = budget
        self._timing = timing
        self._overflow = overflow
        self._until = math.inf if policy.timeout is None else timing.now() + policy.timeout
        self._errors: list[GatewayError] = []
        self._cooldowns: list[float] = []

    async def open(self) -> Opened:
        """The first reply that begins. Raises what is nobody's to mend, or what the last target came to."""
        self._budget.called()
        order = self._order()
        for place in order:
            if self._timing.now() >= self._until:
                break
            opened = await self._at(place, last=place == order[-1])
            if opened is not None:
                return opened
        raise self._told()

    def _order(self) -> Sequence[int]:
        """By place or by lot. A conversation goes on where its state is: it must where an upstream keeps that, and
        should where it brings proofs along.
        """
        route, weights = self._route, self._policy.weights
        order = _drawn(weights, self._timing) if weights else range(len(route.targets))
        exchange = self._exchange
        if route.domains == 1 or exchange.inbound.operation.kind == "media":
            return order
        brought = belongings(exchange.dialect.decode(exchange.inbound))
        allowed = places_of(brought.ids, route.targets)
        held = [place for place in order if allowed is None or place in allowed]
        return sorted(held, key=lambda place: route.targets[place].state_domain != brought.latest)

    async def _at(self, place: int, last: bool) -> Opened | None:
        """The target's reply; None where the next one should be tried."""
        target, retries = self._route.targets[place], self._policy.retries
        for tries in range(1, retries + 2):
            way = self._admit(place)
            if way is None and self._policy.breakers:
                return None
            try:
                return await self._try(target, way, has_more=not last or tries <= retries)
            except GatewayError as error:
                self._settle_last()
                wait = self._judge(error, tries)
            if wait is None:
                return None
            await self._timing.sleep(wait)
        return None

    def _admit(self, place: int) -> Pass | None:
        if not self._policy.breakers:
            return None
        breaker = self._policy.breakers[place]
        way = breaker.admit()
        if way is None:
            self._cooldowns.append(breaker.cooldown())
        return way

    async def _try(self, target: Target, way: Pass | None, has_more: bool) -> Opened:
        exchange = self._exchange
        exchange.loss.clear()
        try:
            opened = await self._bounded(target, has_more)
        except UpstreamError as error:
            self._note(error, target, way)
            raise
        except BaseException:
            if way is not None:
                way.dropped()
            raise
        if way is not None:
            way.answered()
            opened.attempt.leases.append(way)
        return opened

    async def _bounded(self, target: Target, has_more: bool) -> Opened:
        """Within the route's time, where it has one."""
        if math.isinf(self._until):
            return await self._begin(target, has_more)
        try:
            async with asyncio.timeout(max(0.0, self._until - self._timing.now())):
                return await self._begin(target, has_more)
        except TimeoutError as error:
            self._until = -math.inf
            raise UpstreamTimeout(
                f"Nothing answered within the {self._policy.timeout:g} s of {self._route.name}.", code=TIME_IS_UP
            ) from error

    async def _begin(self, target: Target, has_more: bool) -> Opened:
        """Where nobody else is left, a reply goes out as it comes."""
        opened = await self._sender.open(self._exchange, self._route, target)
        return await begun(opened) if has_more else opened

    def _settle_last(self) -> None:
        if attempts := self._exchange.attempts:
            settle_attempt(attempts[-1], self._exchange.outcome, time.monotonic())

    def _note(self, error: UpstreamError, target: Target, way: Pass | None) -> None:
        """In the attempt's record, and on the breaker."""
        attempts, fault = self._exchange.attempts, fault_of(error, self._overflow)
        if not attempts[-1].error:
            attempts[-1].failed(error)
        if way is None:
            return
        if fault is None or fault == "context_overflow":
            way.answered()
        elif self._is_blameless(error, target):
            way.dropped()
        else:
            way.failed(fault, error.retry_after, is_enough(error))

    def _is_blameless(self, error: UpstreamError, target: Target) -> bool:
        """The caller's own key was refused or is spent, or others had taken the time."""
        if error.code == TIME_IS_UP:
            return len(self._exchange.attempts) > 1
        return bool(target.provider.user_provides) and fault_of(error, self._overflow) in ("429", "credentials")

    def _judge(self, error: GatewayError, tries: int) -> float | None:
        """Seconds until the same target is tried again; None for the next. Raises what no other target would mend."""
        self._errors.append(error)
        if isinstance(error, OF_A_TARGET) or (isinstance(error, Refused) and error.code in OF_ONE_TARGET):
            return None
        fault = fault_of(error, self._overflow) if isinstance(error, UpstreamError) else None
        if fault is None or fault not in self._policy.on:
            raise error
        wait = self._policy.wait(fault, tries, error.retry_after, self._timing.draw)
        if wait is None or self._timing.now() + wait >= self._until:
            return None
        return wait if self._budget.take() else None

    def _told(self) -> GatewayError:
        """What an upstream said last; else when one may be asked again; else why none can be."""
        for kind in (UpstreamError, RateLimited, None, Unavailable, Unsupported, BadCall):
            if kind is None and self._cooldowns:
                return Unavailable(
                    f"Every upstream of {self._route.name} is left alone for now, since it failed.",
                    retry_after=max(1, math.ceil(min(self._cooldowns))),
                )
            found = [error for error in self._errors if kind is not None and isinstance(error, kind)]
            if found:
                return found[-1]
        return Unavailable(f"{self._route.name} leads nowhere.")


def _drawn(weights: Sequence[float], timing: Timing) -> Sequence[int]:
    """Places by lot, each the likelier to come early the more it weighs (Efraimidis and Spirakis); 0 comes last."""
    lots = [timing.draw() ** (1 / weight) if weight else -1.0 for weight in weights]
    return sorted(range(len(weights)), key=lambda place: -lots[place])
