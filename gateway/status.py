"""The core's own routes: /health, /ready, /status and /openapi.json."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec

from .condition import condition
from .inbound import Inbound, Principal
from .openapi import document
from .reload.told import Reloads
from .routes import Answer, RouteSpec
from .settings.status import Unenforced

if TYPE_CHECKING:
    from .pipeline.compile import Assembly


class State(msgspec.Struct, frozen=True):
    """reasons: why requests cannot be served. warnings: what they are served without."""

    reasons: list[str]
    warnings: list[str]

    @property
    def word(self) -> str:
        return "not ready" if self.reasons else "degraded" if self.warnings else "ready"


class Status:
    """Answers what operators and load balancers ask, of what `serve` was told last. `draining` is set by the server."""

    def __init__(self, worker: int = 0) -> None:
        self.assembly: Assembly | None = None
        self.draining: Callable[[], bool] = lambda: False
        self._worker = worker
        self._began = time.monotonic()
        self._unenforced: list[str] = []
        self._alive = {"status": "ok", "version": version("librechat-gateway")}

    def serve(self, assembly: Assembly, unenforced: Sequence[Unenforced]) -> None:
        """At the start and at each reload."""
        self.assembly = assembly
        self._unenforced = [f"{one.path}: {one.reason}" for one in unenforced]

    def routes(self) -> tuple[RouteSpec, ...]:
        return (
            RouteSpec("GET", "/health", self.health, "public", "This process is alive", internal=True),
            RouteSpec("GET", "/ready", self.ready, "public", "It can serve; reasons where not", internal=True),
            RouteSpec("GET", "/status", self.status, "loopback", "Endpoints, routes and breakers", internal=True),
            RouteSpec("GET", "/openapi.json", self.openapi, "loopback", "What is mounted"),
        )

    async def health(self, inbound: Inbound, principal: Principal) -> Answer:
        return _json(self._alive)

    async def ready(self, inbound: Inbound, principal: Principal) -> Answer:
        """503 with reasons while something that requests need is missing; 200 while they are served without it."""
        state = await self._state()
        body: dict[str, object] = {"status": state.word, "reasons": [*state.reasons, *state.warnings]}
        if self._unenforced:
            body["not_enforced"] = self._unenforced
        return _json(body, 503 if state.reasons else 200)

    async def status(self, inbound: Inbound, principal: Principal) -> Answer:
        assert self.assembly is not None
        state = await self._state()
        return _json(condition(self.assembly, self._worker, self._began, state.reasons, state.warnings))

    async def openapi(self, inbound: Inbound, principal: Principal) -> Answer:
        assert self.assembly is not None
        return _json(document(self.assembly.router))

    async def _state(self) -> State:
        assert self.assembly is not None
        if self.draining():
            return State(["draining: the process is stopping"], [])
        lifespans, store = self.assembly.lifespans, self.assembly.services.store
        reasons = [f"plugin {p.name}: {p.error}" for p in self.assembly.registry.plugins if p.error]
        reasons += [failure for one in lifespans if (failure := one.failure()) is not None]
        warnings = [warning for one in lifespans if (warning := one.warning()) is not None]
        warnings += [warning] if (warning := Reloads.of(self.assembly.services.state).last.warning) else []
        if store is not None and (why := await store.ping()) is not None:
            (warnings if store.shared else reasons).append(f"store {store.name}: {why}")
        return State(reasons, warnings)


def _json(value: object, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(value), status)
