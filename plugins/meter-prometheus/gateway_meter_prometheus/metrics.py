"""Metrics: the meter. Import it only once the mode is decided (mode.py)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

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

from gateway import Exchange, Meter, Provider, Usage, UsageRecord

from .labels import Models, error_class, status_class
from .targets import Targets

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
FIRST_BYTE_SECONDS = (0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class OfTarget:
    """What is kept for an endpoint and model, the label values looked up once."""

    __slots__ = ("_tokens", "_tokens_by", "duration", "first_byte", "labels")

    def __init__(self, labels: tuple[str, str], duration: Histogram, first_byte: Histogram, tokens: Counter) -> None:
        self.labels, self.duration, self.first_byte = labels, duration, first_byte
        self._tokens = tokens
        self._tokens_by: dict[str, Counter] = {}

    def count(self, usage: Usage) -> None:
        if usage.input:
            self._add("input", usage.input)
        if usage.cache_read:
            self._add("cache_read", usage.cache_read)
        if written := (usage.cache_write_5m or 0) + (usage.cache_write_1h or 0):
            self._add("cache_write", written)
        if usage.output:
            self._add("output", usage.output)
        if usage.reasoning:
            self._add("reasoning", usage.reasoning)

    def _add(self, kind: str, count: int) -> None:
        child = self._tokens_by.get(kind)
        if child is None:
            child = self._tokens_by[kind] = self._tokens.labels(*self.labels, kind)
        child.inc(count)


class Metrics(Meter):
    """directory: where several processes leave their counts; None for one alone, which has process metrics too."""

    def __init__(self, endpoints: Mapping[str, Provider], directory: str | None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.shared = directory is not None and values.ValueClass is not values.MutexValue
        self._directory = directory if self.shared else None
        self._models = Models(endpoints)
        self._registry = CollectorRegistry()
        self._requests_by: dict[tuple[str, ...], Counter] = {}
        self._in_flight_by: dict[tuple[str, str], Gauge] = {}
        self._targets: dict[tuple[str, str, str], OfTarget] = {}
        self._define(self._registry)
        self.targets = Targets(self._registry)
        if not self.shared:
            ProcessCollector(registry=self._registry)
            PlatformCollector(registry=self._registry)
            GCCollector(registry=self._registry)

    def started(self, exchange: Exchange) -> None:
        self._running(exchange.inbound.operation.kind, exchange.dialect.name).inc()

    def record(self, record: UsageRecord) -> None:
        self._running(record.operation, record.dialect).dec()
        model = self._models.label(record)
        self._request(record, model).inc()
        target = self._target(record.operation, record.endpoint, model)
        target.duration.observe(record.duration)
        if record.first_byte is not None:
            target.first_byte.observe(record.first_byte)
        target.count(record.usage)
        for attempt in record.attempts:
            if attempt.error and attempt.outcome != "refused":
                self._errors.labels(attempt.endpoint, error_class(attempt.error)).inc()
        if len(record.attempts) > 1:
            self.targets.count(record.attempts)
        if record.loss:
            self._lossy.labels(record.dialect, record.upstream_dialect).inc()

    def exposition(self) -> bytes:
        """Prometheus's text format. It takes long with many models: call it in a thread."""
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

    def _running(self, operation: str, dialect: str) -> Gauge:
        labels = (operation, dialect)
        child = self._in_flight_by.get(labels)
        if child is None:
            child = self._in_flight_by[labels] = self._in_flight.labels(*labels)
        return child

    def _request(self, record: UsageRecord, model: str) -> Counter:
        status = status_class(record.status)
        labels = (record.operation, record.dialect, record.endpoint, model, status, record.outcome)
        child = self._requests_by.get(labels)
        if child is None:
            child = self._requests_by[labels] = self._requests.labels(*labels)
        return child

    def _target(self, operation: str, endpoint: str, model: str) -> OfTarget:
        key = (operation, endpoint, model)
        found = self._targets.get(key)
        if found is None:
            found = self._targets[key] = OfTarget(
                (endpoint, model), self._duration.labels(*key), self._first_byte.labels(*key), self._tokens
            )
        return found


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
