"""The configuration that serves, and how the last reload of it went."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from gateway import Reload


class ReloadGauges:
    """Of several processes the worst counts: all of them reload together."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ok = Gauge(
            "gateway_reload_last_ok",
            "Whether the last reload of the configuration was applied (1) or refused (0); a start counts as one.",
            multiprocess_mode="livemin",
            registry=registry,
        )
        self._at = Gauge(
            "gateway_reload_last_timestamp_seconds",
            "When that was, in Unix time.",
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._revision = Gauge(
            "gateway_configuration_revision",
            "Of the configuration that serves: the hexadecimal digits that logs and /status have, as a number.",
            multiprocess_mode="livemax",
            registry=registry,
        )

    def told(self, reload: Reload) -> None:
        self._ok.set(reload.ok)
        self._at.set(reload.at)
        self._revision.set(int(reload.revision or "0", 16))
