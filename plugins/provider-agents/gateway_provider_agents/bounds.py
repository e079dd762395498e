"""Bounds: how long a run goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway import Call, Exchange

from .run_settings import LibreChatAgents, RunSettings

DEFAULT_STEPS = 25
"""LibreChat's, which is LangGraph's."""
NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """steps: a model's turn is one, a round of tools another. cost: nano-USD."""

    steps: int
    tokens: float = math.inf
    cost: float = math.inf
    calls: float = math.inf
    seconds: float = math.inf

    @classmethod
    def of(cls, settings: RunSettings, librechat: LibreChatAgents, own: int | None) -> Bounds:
        """own: what the agent says."""
        steps = own or settings.steps or librechat.recursion_limit or DEFAULT_STEPS
        return cls(
            min(steps, librechat.max_recursion_limit or steps),
            settings.tokens or math.inf,
            math.inf if settings.usd is None else settings.usd * NANO,
            settings.calls or math.inf,
            settings.seconds or math.inf,
        )

    def within(self, call: Call) -> Bounds:
        """No more calls than the client says."""
        most = call.limits.max_tool_calls
        return self if most is None else replace(self, calls=min(self.calls, most))


@dataclass(slots=True)
class Tally:
    """calls: of tools, by all agents of a run."""

    calls: int = 0


class Count:
    """What an agent has taken so far of a run. Steps are its own; calls, tokens, cost and time are all agents'."""

    def __init__(self, bounds: Bounds, exchange: Exchange, tally: Tally | None = None) -> None:
        self._bounds = bounds
        self._exchange = exchange
        self._asking = (exchange, *asking_for(exchange))
        self._tally = tally or Tally()
        self.steps = 0
        if bounds.seconds < math.inf:
            exchange.deadline = min(exchange.deadline, time.monotonic() + bounds.seconds)

    def late(self, seconds: float) -> None:
        """So many of the run's seconds have passed already."""
        if self._bounds.seconds < math.inf:
            self._exchange.deadline -= max(seconds, 0.0)

    def take(self, calls: int) -> int:
        """So many are made; the number of the first."""
        first = self._tally.calls + 1
        self._tally.calls += calls
        for one in self._asking:
            one.calls += calls
        return first

    @property
    def tokens(self) -> float:
        """That are left."""
        return self._bounds.tokens - sum(one.spent.total for one in self._asking)

    @property
    def seconds(self) -> float:
        """That are left."""
        return self._exchange.deadline - time.monotonic()

    def reached(self, calls: int) -> str | None:
        """The bound that so many calls and the turn behind them would pass: `Finished.detail`, where the run ends."""
        bounds = self._bounds
        if self.steps + 2 > bounds.steps:
            return "recursion_limit"
        if self._made + calls > bounds.calls:
            return "call_limit"
        return self.over

    @property
    def _made(self) -> int:
        """Calls of the whole run, by whoever else was asked for it, too."""
        return max(self._tally.calls, self._asking[-1].calls)

    @property
    def over(self) -> str | None:
        """The bound of the whole run that is reached: nobody goes on. Who was asked by another's run spends of it."""
        if self.tokens <= 0:
            return "token_limit"
        if sum(one.cost for one in self._asking) >= self._bounds.cost:
            return "cost_limit"
        return "time_limit" if self.seconds <= 0 else None


def asking_for(exchange: Exchange) -> Iterator[Exchange]:
    """Those on whose behalf it is, the nearest first."""
    while exchange.parent is not None:
        exchange = exchange.parent
        yield exchange
