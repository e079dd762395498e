"""Breaker: leaves a target alone that fails, and lets one call try it before the others may.

closed ──failures, a retry-after, refused credentials──> open ──cooldown over──> half-open: one call is let through
   ^                                                      ^                              │
   └──────────────────────it answers──────────────────────┴─────it fails: twice as long──┘
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

import msgspec

from ..settings.routes import BreakerRule
from ..store import Outcome
from .faults import Fault
from .permit import Lease

State = Literal["closed", "open", "half_open"]
_SLICES = 6


class Standing(msgspec.Struct, frozen=True):
    """How a route's target stands in this process.

    failures: in a row. fault: the class of the last one, "" where there was none. cooldown: seconds until it may be
    tried, 0 where it may be now.
    """

    route: str
    endpoint: str
    model: str
    state: State
    failures: int
    fault: Fault | Literal[""]
    cooldown: float


class Window:
    """Calls and failures of the last seconds, counted in slices of them."""

    def __init__(self) -> None:
        self._slices: deque[list[float]] = deque()

    def add(self, now: float, failed: bool, seconds: float) -> None:
        """Slices hold when they began, calls, failures."""
        if not self._slices or now - self._slices[-1][0] >= seconds / _SLICES:
            self._slices.append([now, 0, 0])
        self._slices[-1][1] += 1
        self._slices[-1][2] += failed
        while now - self._slices[0][0] >= seconds:
            self._slices.popleft()

    def failing(self, rule: BreakerRule) -> bool:
        calls = sum(one[1] for one in self._slices)
        return calls >= rule.calls and sum(one[2] for one in self._slices) >= rule.ratio * calls

    def clear(self) -> None:
        self._slices.clear()


class Breaker:
    """Of one target of one route. clock: monotonic seconds. changed: told whenever the state is another one."""

    def __init__(
        self,
        name: tuple[str, str, str],
        rule: BreakerRule,
        clock: Callable[[], float],
        changed: Callable[[Standing], None],
    ) -> None:
        self.name = name
        self.rule = rule
        self._clock = clock
        self._changed = changed
        self._window = Window()
        self._until: float | None = None
        self._trying = False
        self._failures = 0
        self._reopened = 0
        self._fault: Fault | Literal[""] = ""

    def admit(self) -> Pass | None:
        """None while it is to be left alone. A Pass must be answered, failed or dropped."""
        if self._until is None:
            return Pass(self, trying=False)
        if self._trying or self._clock() < self._until:
            return None
        self._trying = True
        self._tell()
        return Pass(self, trying=True)

    def cooldown(self) -> float:
        """Seconds until it may be tried; 0 where it may be now."""
        return 0.0 if self._until is None else max(0.0, self._until - self._clock())

    def standing(self) -> Standing:
        state: State = "closed" if self._until is None else "half_open" if self._trying else "open"
        return Standing(*self.name, state, self._failures, self._fault, self.cooldown())

    def answered(self) -> None:
        """The call that tried it was answered."""
        self._trying = False
        self._until = None
        self._failures = 0
        self._window.clear()
        self._tell()

    def succeeded(self) -> None:
        """A reply ended well; late ones say nothing of a target that was found failing since."""
        if self._until is None:
            self._failures = self._reopened = 0
            self._window.add(self._clock(), False, self.rule.window)

    def failed(self, fault: Fault, trying: bool, retry_after: float | None, at_once: bool) -> None:
        """at_once: one such failure is enough, since the next call would fare no better."""
        self._fault = fault
        self._failures += 1
        wait = min(retry_after or 0.0, self.rule.longest)
        if trying:
            self._trying = False
            self._reopened += 1
            self._open(max(wait, self._doubled()))
        elif self._until is not None:
            self._until = max(self._until, self._clock() + wait)
        else:
            self._window.add(self._clock(), True, self.rule.window)
            if wait:
                self._open(wait)
            elif at_once or self._failures >= self.rule.failures or self._window.failing(self.rule):
                self._open(self._doubled())

    def dropped(self) -> None:
        """The call that tried it ended without an answer to the question; the next one may try."""
        self._trying = False
        self._tell()

    def _doubled(self) -> float:
        return min(self.rule.longest, self.rule.cooldown * 2.0 ** min(self._reopened, 64))

    def _open(self, seconds: float) -> None:
        self._until = self._clock() + seconds
        self._tell()

    def _tell(self) -> None:
        self._changed(self.standing())


class Pass(Lease):
    """One call's way through a breaker. trying: it is the one that finds out whether the target is well again."""

    __slots__ = ("_breaker", "_trying")

    def __init__(self, breaker: Breaker, trying: bool) -> None:
        self._breaker = breaker
        self._trying = trying

    def answered(self) -> None:
        """Something came that can be passed on; how it ended, `settle` says."""
        if self._trying:
            self._trying = False
            self._breaker.answered()

    def failed(self, fault: Fault, retry_after: float | None = None, at_once: bool = False) -> None:
        self._breaker.failed(fault, self._trying, retry_after, at_once)
        self._trying = False

    def dropped(self) -> None:
        """It ended without saying anything of the target."""
        if self._trying:
            self._trying = False
            self._breaker.dropped()

    def settle(self, outcome: Outcome) -> None:
        """A reply that broke off counts as a failure, though the client had the beginning of it."""
        if outcome == "complete":
            self._breaker.succeeded()
        elif outcome in ("broken", "timeout", "upstream_error"):
            self.failed("timeout" if outcome == "timeout" else "connect" if outcome == "broken" else "5xx")
        else:
            self.dropped()
