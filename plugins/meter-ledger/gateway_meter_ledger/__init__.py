"""Usage records in the store, `gateway usage` and `gateway reconcile`."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Lifespan, Meter, RouteSpec, Services, Settings, hookimpl

from .admin_routes import admin_routes
from .command import usage
from .meter import LedgerMeter, StoreNeeded
from .reconcile import reconcile


@hookimpl
def register_meters(settings: Settings, services: Services) -> Sequence[Meter]:
    return [LedgerMeter(services.store.usage)] if services.store is not None else []


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    return admin_routes(services)


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    return [StoreNeeded(services.store, services.log)]


@hookimpl
def register_commands() -> Sequence[object]:
    return [usage, reconcile]
