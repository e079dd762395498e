"""The targets of routes: whether they are left alone, how often one is tried again, how often another one is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway import AttemptRecord, Standing

from .labels import error_class

STATES = ("open", "half_open")
TARGET = ("route", "endpoint", "model")


class Targets:
    """Labels are the configuration's own names. In several processes, a state's gauge is the number of those that
    have a target in it.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._state = Gauge(
            "gateway_target_state",
            "Whether a route's target is left alone (open) or tried by one call (half_open); in how many processes.",
            (*TARGET, "state"),
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._until = Gauge(
            "gateway_target_cooldown_end_seconds",
            "When a route's target may be tried again, in Unix time; 0 where it may be now.",
            TARGET,
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._opened = Counter("gateway_target_opened", "Times it was left alone.", TARGET, registry=registry)
        self._retries = Counter(
            "gateway_retries", "Tries of the same target after a failure.", ("endpoint", "class"), registry=registry
        )
        self._fallbacks = Counter(
            "gateway_fallbacks",
            "Tries of another target after a failure of this one.",
            ("endpoint", "class"),
            registry=registry,
        )

    def told(self, standing: Standing) -> None:
        """A target is in another state."""
        self._show(standing)
        if standing.state == "open" and standing.cooldown:
            self._opened.labels(standing.route, standing.endpoint, standing.model).inc()

    def known(self, standings: Sequence[Standing]) -> None:
        """Those that there are, so that a graph of them has a beginning."""
        for standing in standings:
            self._show(standing)
            self._opened.labels(standing.route, standing.endpoint, standing.model).inc(0)

    def _show(self, standing: Standing) -> None:
        target = (standing.route, standing.endpoint, standing.model)
        for state in STATES:
            self._state.labels(*target, state).set(standing.state == state)
        self._until.labels(*target).set(time.time() + standing.cooldown if standing.cooldown else 0)

    def count(self, attempts: Sequence[AttemptRecord]) -> None:
        for one, after in pairwise(attempts):
            same = (one.endpoint, one.model) == (after.endpoint, after.model)
            kind = "skipped" if one.outcome == "refused" else error_class(one.error)
            (self._retries if same else self._fallbacks).labels(one.endpoint, kind).inc()
