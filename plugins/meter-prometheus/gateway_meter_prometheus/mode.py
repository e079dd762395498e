"""One process, or several that add up: decided once, before the metrics library is imported.

The library reads `PROMETHEUS_MULTIPROC_DIR` when it is imported and never again, hence the imports in functions.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway import Breakers, Lifespan, Reloads, Services, ToolTraffic

if TYPE_CHECKING:
    from .metrics import Metrics

RUN_DIR = "GATEWAY_RUN_DIR"
LIBRARYS_OWN = "PROMETHEUS_MULTIPROC_DIR"
STATE = "meter-prometheus"


def metrics_of(services: Services) -> Metrics:
    """One for the meter, the route, and those of the next reload."""
    if STATE not in services.state:
        directory = shared_directory()
        imported_before = "prometheus_client" in sys.modules
        from .metrics import Metrics

        metrics = Metrics(services.endpoints, directory)
        if directory and not metrics.shared:
            services.log.warning(
                "metrics are of single workers only: a plugin imported prometheus_client %s",
                "before meter-prometheus could set it up" if imported_before else "in another mode",
            )
        services.state[STATE] = metrics
    found: Metrics = services.state[STATE]
    breakers = Breakers.of(services.state)
    breakers.watch(STATE, found.targets.told)
    found.targets.known(breakers.standings())
    Reloads.of(services.state).watch(STATE, found.reloads.told)
    ToolTraffic.of(services.state).watch(STATE, found.tools)
    return found


class Telling(Lifespan):
    """The last counts of a worker that stops stay with the others."""

    def __init__(self, metrics: Metrics, services: Services) -> None:
        self._metrics = metrics
        self._services = services

    async def start(self) -> None:
        self._metrics.serve(self._services.endpoints)

    async def stop(self) -> None:
        self._metrics.tell()


def shared_directory() -> str | None:
    """Where workers leave their counts for each other; None in a single process."""
    if run_dir := os.environ.get(RUN_DIR):
        directory = Path(run_dir, "prometheus")
        directory.mkdir(parents=True, exist_ok=True)
        os.environ[LIBRARYS_OWN] = str(directory)
    return os.environ.get(LIBRARYS_OWN)
