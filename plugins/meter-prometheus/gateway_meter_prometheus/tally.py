"""Tally: what was counted since the library was last told.

The library takes a lock for each step of each counter, ten of them a request. Here a request is a few additions, and
many requests are one step.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from gateway import UsageRecord

from .labels import status_class

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
FIRST_BYTE_SECONDS = (0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
KINDS = ("input", "cache_read", "cache_write", "output", "reasoning")


class Times:
    """Observations of a histogram. counts: by its bounds, and last those beyond."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(self._bounds, seconds)] += 1
        self.total += seconds


class OfTarget:
    """What an endpoint's model has taken. tokens: by KINDS."""

    __slots__ = ("durations", "first_bytes", "tokens")

    def __init__(self) -> None:
        self.durations = Times(SECONDS)
        self.first_bytes = Times(FIRST_BYTE_SECONDS)
        self.tokens = [0] * len(KINDS)

    def add(self, record: UsageRecord) -> None:
        self.durations.add(record.duration)
        if record.first_byte is not None:
            self.first_bytes.add(record.first_byte)
        usage, tokens = record.usage, self.tokens
        tokens[0] += usage.input or 0
        tokens[1] += usage.cache_read or 0
        tokens[2] += (usage.cache_write_5m or 0) + (usage.cache_write_1h or 0)
        tokens[3] += usage.output or 0
        tokens[4] += usage.reasoning or 0


class Tally:
    """running: change of what runs, by operation and dialect. requests, targets: by the labels of their series."""

    __slots__ = ("requests", "running", "targets")

    def __init__(self) -> None:
        self.running: dict[tuple[str, str], int] = {}
        self.requests: dict[tuple[str, str, str, str, str, str], int] = {}
        self.targets: dict[tuple[str, str, str], OfTarget] = {}

    def runs(self, operation: str, dialect: str, step: int) -> None:
        labels = (operation, dialect)
        self.running[labels] = self.running.get(labels, 0) + step

    def add(self, record: UsageRecord, model: str) -> None:
        self.runs(record.operation, record.dialect, -1)
        status = status_class(record.status)
        labels = (record.operation, record.dialect, record.endpoint, model, status, record.outcome)
        self.requests[labels] = self.requests.get(labels, 0) + 1
        key = (record.operation, record.endpoint, model)
        target = self.targets.get(key)
        if target is None:
            target = self.targets[key] = OfTarget()
        target.add(record)
