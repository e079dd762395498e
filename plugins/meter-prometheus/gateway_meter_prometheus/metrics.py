"""Metrics: the meter. Import it only once the mode is decided (mode.py)."""

from __future__ import annotations

import os
from asyncio import TimerHandle, get_running_loop
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gateway import Exchange, Meter, Provider, UsageRecord

from .labels import Models, error_class
from .reloads import ReloadGauges
from .tally import FIRST_BYTE_SECONDS, KINDS, SECONDS, Tally, Times
from .targets import Targets
from .tools import Tools

TOLD_EVERY = 0.25
"""Seconds until what one of several workers counted can be seen by the others."""


class Metrics(Meter):
    """directory: where several processes leave their counts; None for one alone, which has process metrics too."""

    def __init__(self, endpoints: Mapping[str, Provider], directory: str | None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.shared = directory is not None and values.ValueClass is not values.MutexValue
        self._directory = directory if self.shared else None
        self._models = Models(endpoints)
        self._registry = CollectorRegistry()
        self._tally = Tally()
        self._lock = Lock()
        self._due: TimerHandle | None = None
        self._define(self._registry)
        self.targets = Targets(self._registry)
        self.reloads = ReloadGauges(self._registry)
        self.tools = Tools(self._registry)
        if not self.shared:
            ProcessCollector(registry=self._registry)
            PlatformCollector(registry=self._registry)
            GCCollector(registry=self._registry)

    def serve(self, endpoints: Mapping[str, Provider]) -> None:
        """Those of the configuration that serves now."""
        self._models.endpoints = endpoints

    def started(self, exchange: Exchange) -> None:
        with self._lock:
            self._tally.runs(exchange.inbound.operation.kind, exchange.dialect.name, 1)
        if self.shared:
            self._tell_soon()

    def record(self, record: UsageRecord) -> None:
        with self._lock:
            self._tally.add(record, self._models.label(record))
        attempts = record.attempts
        if record.error or record.loss or len(attempts) > 1 or (attempts and attempts[0].passed):
            self._rare(record)
        if self.shared:
            self._tell_soon()

    def tell(self) -> None:
        """Whatever was counted so far, to the library. Of any thread."""
        with self._lock:
            tally, self._tally = self._tally, Tally()
            self._due = None
        for labels, step in tally.running.items():
            self._in_flight.labels(*labels).inc(step)
        for request, count in tally.requests.items():
            self._requests.labels(*request).inc(count)
        for target, taken in tally.targets.items():
            _observe(self._duration.labels(*target), taken.durations)
            if any(taken.first_bytes.counts):
                _observe(self._first_byte.labels(*target), taken.first_bytes)
            for kind, tokens in zip(KINDS, taken.tokens, strict=True):
                if tokens:
                    self._tokens.labels(*target[1:], kind).inc(tokens)

    def exposition(self) -> bytes:
        """Prometheus's text format. It takes long with many models: call it in a thread."""
        self.tell()
        if self._directory is None:
            return generate_latest(self._registry)
        for pid in _dead(self._directory):
            with suppress(FileNotFoundError):  # another worker was faster
                mark_process_dead(pid, self._directory)  # type: ignore[no-untyped-call]
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody, self._directory)  # type: ignore[no-untyped-call]
        return generate_latest(everybody)

    def _define(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "gateway_requests",
            "Exchanges that ended.",
            ("operation", "dialect", "endpoint", "model", "status", "outcome"),
            registry=registry,
        )
        self._in_flight = Gauge(
            "gateway_requests_in_flight",
            "Exchanges that run now.",
            ("operation", "dialect"),
            multiprocess_mode="livesum",
            registry=registry,
        )
        target = ("operation", "endpoint", "model")
        self._duration = Histogram(
            "gateway_request_duration_seconds",
            "From a request's headers to its settled end.",
            target,
            buckets=SECONDS,
            registry=registry,
        )
        self._first_byte = Histogram(
            "gateway_time_to_first_byte_seconds",
            "From a request's headers to the first byte of its reply.",
            target,
            buckets=FIRST_BYTE_SECONDS,
            registry=registry,
        )
        self._tokens = Counter(
            "gateway_tokens",
            "Tokens; kinds do not overlap, except reasoning, which is part of output.",
            ("endpoint", "model", "kind"),
            registry=registry,
        )
        self._errors = Counter(
            "gateway_upstream_errors", "Attempts that failed upstream.", ("endpoint", "class"), registry=registry
        )
        self._lossy = Counter(
            "gateway_lossy_requests",
            "Exchanges of which something had no place in the other dialect.",
            ("dialect", "upstream_dialect"),
            registry=registry,
        )
        self._passed = Counter(
            "gateway_budgets_passed",
            "Attempts that passed a soft budget, or that it let through though it was used up.",
            ("kind",),
            registry=registry,
        )

    def _rare(self, record: UsageRecord) -> None:
        for attempt in record.attempts:
            for name in attempt.passed:
                self._passed.labels(name.partition(":")[0]).inc()
            if attempt.error and attempt.outcome != "refused":
                self._errors.labels(attempt.endpoint, error_class(attempt.error)).inc()
        if len(record.attempts) > 1:
            self.targets.count(record.attempts)
        if record.loss:
            self._lossy.labels(record.dialect, record.upstream_dialect).inc()

    def _tell_soon(self) -> None:
        if self._due is not None:
            return
        try:
            self._due = get_running_loop().call_later(TOLD_EVERY, self.tell)
        except RuntimeError:  # nothing runs that could do it later
            self.tell()


def _observe(histogram: Histogram, times: Times) -> None:
    """The library itself has no way to add many observations at once."""
    histogram._sum.inc(times.total)
    for bucket, count in zip(histogram._buckets, times.counts, strict=True):
        if count:
            bucket.inc(count)


def _dead(directory: str) -> Iterator[int]:
    """Processes that left gauges and do not run any more."""
    for path in Path(directory).glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdecimal() and not _runs(int(pid)):
            yield int(pid)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
