"""Prometheus metrics at /metrics."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Meter, RouteSpec, Services, Settings, hookimpl

from .mode import metrics_of
from .route import metrics_route


@hookimpl
def register_meters(settings: Settings, services: Services) -> Sequence[Meter]:
    return (metrics_of(services),)


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    return (metrics_route(metrics_of(services)),)
