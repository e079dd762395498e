"""Prometheus metrics at /metrics."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Lifespan, Meter, RouteSpec, Services, Settings, hookimpl

from .mode import Telling, metrics_of
from .route import metrics_route


@hookimpl
def register_meters(settings: Settings, services: Services) -> Sequence[Meter]:
    return (metrics_of(services),)


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    return (metrics_route(metrics_of(services)),)


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    return (Telling(metrics_of(services), services),)
