"""Breakers: those of this process, by route and target."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..settings.routes import BreakerRule
from .breaker import Breaker, Standing


class Breakers:
    """They outlive a reload of the configuration. clock: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._known: dict[tuple[str, str, str], Breaker] = {}
        self._watchers: dict[str, Callable[[Standing], None]] = {}
        self._rules: dict[Breaker, BreakerRule] = {}

    def draft(self) -> Breakers:
        """For a configuration that may come to serve: the same breakers, and these do not hear of it before `apply`."""
        drafted = Breakers(self.clock)
        drafted._known = dict(self._known)
        drafted._watchers = self._watchers
        return drafted

    def apply(self) -> None:
        """The configuration serves: its rules count."""
        for breaker, rule in self._rules.items():
            breaker.rule = rule
        self._rules.clear()

    @classmethod
    def of(cls, state: dict[str, Any]) -> Breakers:
        """The ones that `Services.state` holds; made where it holds none."""
        found = state.get("breakers") or state.setdefault("breakers", cls())
        assert isinstance(found, cls)
        return found

    def at(self, route: str, endpoint: str, model: str, rule: BreakerRule) -> Breaker:
        """A target's, with what has been found out of it so far."""
        name = (route, endpoint, model)
        breaker = self._known.get(name)
        if breaker is None:
            breaker = self._known[name] = Breaker(name, rule, self.clock, self._tell)
        self._rules[breaker] = rule
        return breaker

    def keep(self, names: set[tuple[str, str, str]]) -> None:
        """Forget those of targets that are not configured any more."""
        self._known = {name: breaker for name, breaker in self._known.items() if name in names}

    def standings(self) -> list[Standing]:
        return [breaker.standing() for breaker in self._known.values()]

    def watch(self, name: str, told: Callable[[Standing], None]) -> None:
        """`told` hears of every change. One watcher of a name at a time, so that a reload leaves no second one."""
        self._watchers[name] = told

    def _tell(self, standing: Standing) -> None:
        for told in self._watchers.values():
            told(standing)
