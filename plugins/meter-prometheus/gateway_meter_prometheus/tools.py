"""Tools that the gateway runs for its agents: how their calls ended and how long they took, and their servers."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway import Connected, Ending

from .tally import SECONDS

SERVER = ("source", "server")


class Tools:
    """Labels are names of the configuration; servers that users added are one together."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "gateway_tool_calls", "Calls of tools, by how they ended.", (*SERVER, "outcome"), registry=registry
        )
        self._duration = Histogram(
            "gateway_tool_call_duration_seconds",
            "From a call of a tool to what it came to.",
            SERVER,
            buckets=(0.005, 0.02, *SECONDS),
            registry=registry,
        )
        self._connections = Gauge(
            "gateway_tool_connections",
            "Connections to servers of tools: up, or down where they were lost or cannot be made.",
            (*SERVER, "state"),
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._again = Counter(
            "gateway_tool_reconnects",
            "Connections that were lost and made again.",
            SERVER,
            registry=registry,
        )

    def called(self, source: str, server: str, ending: Ending, seconds: float) -> None:
        self._calls.labels(source, server, ending).inc()
        self._duration.labels(source, server).observe(seconds)

    def stands(self, source: str, server: str, before: Connected, now: Connected, again: bool) -> None:
        if before:
            self._connections.labels(source, server, before).dec()
        if now:
            self._connections.labels(source, server, now).inc()
        if now == "up":
            self._again.labels(source, server).inc(again)
