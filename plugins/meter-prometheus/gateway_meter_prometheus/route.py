"""GET /metrics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway import Answer, Inbound, Principal, RouteSpec

if TYPE_CHECKING:
    from .metrics import Metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics_route(metrics: Metrics) -> RouteSpec:
    turn = asyncio.Lock()

    async def scrape(inbound: Inbound, principal: Principal) -> Answer:
        """In a thread, and one at a time: with many models it takes tenths of a second."""
        async with turn:
            return Answer(await asyncio.to_thread(metrics.exposition), content_type=CONTENT_TYPE)

    return RouteSpec("GET", "/metrics", scrape, access="loopback", summary="Prometheus metrics", internal=True)
