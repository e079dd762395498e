"""Condition: how this process is, its endpoints and the targets of its routes; what GET /status tells."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

import msgspec

from .pipeline.breakers import Breakers
from .provider import Provider
from .reload.told import Reload, Reloads

if TYPE_CHECKING:
    from .pipeline.breaker import Standing
    from .pipeline.compile import Assembly
    from .pipeline.resolve import Route


class EndpointState(msgspec.Struct, frozen=True):
    """unavailable: why it cannot be called, for the operator; None where it can."""

    name: str
    kind: str
    dialects: tuple[str, ...]
    unavailable: str | None


class TargetState(msgspec.Struct, frozen=True):
    """state: of its breaker, `none` where the route has none. failures: in a row. fault: the class of the last one.

    cooldown: seconds until it may be tried. unavailable: why its endpoint cannot be called.
    """

    model: str
    state: Literal["closed", "open", "half_open", "none"]
    failures: int
    fault: str
    cooldown: float
    unavailable: str | None


class RouteState(msgspec.Struct, frozen=True):
    name: str
    strategy: Literal["ordered", "weighted"]
    targets: tuple[TargetState, ...]


class Condition(msgspec.Struct, frozen=True):
    """worker: which of `workers` processes answers; the state of breakers is each worker's own. uptime: seconds.

    reasons: why requests cannot be served, none where all is well. warnings: what they are served without. reload: how
    the last one went.
    """

    version: str
    pid: int
    worker: int
    workers: int
    uptime: float
    reasons: tuple[str, ...]
    endpoints: tuple[EndpointState, ...]
    routes: tuple[RouteState, ...]
    warnings: tuple[str, ...] = ()
    reload: Reload | None = None


def condition(
    assembly: Assembly, worker: int, began: float, reasons: Sequence[str], warnings: Sequence[str]
) -> Condition:
    """began: when this process did, by the monotonic clock."""
    services = assembly.services
    standings = {(one.route, one.endpoint, one.model): one for one in Breakers.of(services.state).standings()}
    return Condition(
        version=version("librechat-gateway"),
        pid=os.getpid(),
        worker=worker,
        workers=assembly.core.workers,
        uptime=time.monotonic() - began,
        reasons=tuple(reasons),
        warnings=tuple(warnings),
        reload=Reloads.of(services.state).last,
        endpoints=tuple(_endpoint(provider) for provider in services.endpoints.values()),
        routes=tuple(_route(route, standings) for route in services.routes.values()),
    )


def _endpoint(provider: Provider) -> EndpointState:
    return EndpointState(provider.endpoint, provider.kind, tuple(provider.dialects), provider.unavailable)


def _route(route: Route, standings: Mapping[tuple[str, str, str], Standing]) -> RouteState:
    targets = []
    for target in route.targets:
        name, why = f"{target.endpoint}/{target.model}", target.provider.unavailable
        one = standings.get((route.name, target.endpoint, target.model))
        if one is None or not (route.policy and route.policy.breakers):
            targets.append(TargetState(name, "none", 0, "", 0.0, why))
        else:
            targets.append(TargetState(name, one.state, one.failures, one.fault, one.cooldown, why))
    weighted = route.policy is not None and bool(route.policy.weights)
    return RouteState(route.name, "weighted" if weighted else "ordered", tuple(targets))
