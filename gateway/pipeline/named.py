"""`gateway.routes`: names of the operator's own that stand for several models; after agents, before endpoints."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from ..dialect import Edit
from ..errors import Forbidden, GatewayError
from ..inbound import Inbound, Principal
from ..provider import Model, Provider, Target, Timeouts
from ..settings.contract import Finding
from ..settings.core import Core, TimeoutSettings
from ..settings.routes import RouteSettings
from .allowed import Allowed
from .breaker import Breaker
from .breakers import Breakers
from .endpoints import Names
from .faults import Fault
from .resolve import Directory, Route
from .retry import Policy


class NamedRoutes(Directory):
    """For admins and for whom the route's `allow` or `gateway.models.allow` names; like raw models not under a mount
    of agents only.

    routes: made once every endpoint is registered. shadowing: names that other directories take before this one.
    """

    def __init__(
        self, core: Core, endpoints: Mapping[str, Provider], breakers: Breakers, shadowing: Collection[str]
    ) -> None:
        self._settings = {settings.name: settings for settings in reversed(core.routes)}
        self._allowed = {name: Allowed(core.models.allow, settings.allow) for name, settings in self._settings.items()}
        self._findings: list[Finding] = []
        made = _Making(core.timeouts, Names(endpoints), breakers, self._findings)
        made.names(core.routes, shadowing)
        found = [made.route(number, settings) for number, settings in enumerate(core.routes)]
        self.routes: Mapping[str, Route] = {route.name: route for route in reversed(found) if route is not None}
        breakers.keep({one.name for route in self.routes.values() if route.policy for one in route.policy.breakers})

    async def find(self, inbound: Inbound, model: str | None, principal: Principal) -> Route | None:
        route = self.routes.get(model) if model is not None and not inbound.mount.agents_only else None
        if route is None:
            return None
        if not self._allowed[route.name].allows(principal):
            raise Forbidden(
                f"This key may not call {route.name}; it is for admins and for whom its `allow` or "
                "gateway.models.allow names."
            )
        return route

    async def models(self, inbound: Inbound, principal: Principal) -> Sequence[Model]:
        """Without routes of which no target can be called."""
        if inbound.mount.agents_only:
            return ()
        return [
            Model(id=name, name=name, description=self._settings[name].description, owner="gateway")
            for name, route in self.routes.items()
            if self._allowed[name].allows(principal)
            and not all(target.provider.unavailable for target in route.targets)
        ]

    def names(self) -> Collection[str]:
        return self.routes.keys()

    def findings(self) -> Sequence[Finding]:
        return self._findings


class _Making:
    """Settings to routes; what does not fit becomes a finding."""

    def __init__(self, times: TimeoutSettings, names: Names, breakers: Breakers, findings: list[Finding]) -> None:
        self._times = times
        self._names = names
        self._breakers = breakers
        self._findings = findings

    def names(self, routes: Sequence[RouteSettings], shadowing: Collection[str]) -> None:
        for number, settings in enumerate(routes):
            path = f"gateway.routes[{number}].name"
            if any(settings.name == other.name for other in routes[:number]):
                self._findings.append(
                    Finding(path, f'another route is named "{settings.name}"', "give each route its own name")
                )
            if settings.name in shadowing:
                self._findings.append(
                    Finding(path, f'an agent has the name "{settings.name}" and is found first', "rename one of them")
                )

    def route(self, number: int, settings: RouteSettings) -> Route | None:
        path = f"gateway.routes[{number}]"
        found = list(self._targets(path, settings))
        if len(found) < len(settings.targets):
            return None
        targets = tuple(self._timed(target, settings) for target in found)
        if all(target.provider.unavailable for target in targets):
            self._findings.append(
                Finding(path, "none of its endpoints can be called now", "see what is said of them", "warning")
            )
        policy = self._policy(settings, targets)
        return Route(settings.name, targets, Edit(model=targets[0].model), policy=policy, fidelity=settings.fidelity)

    def _targets(self, path: str, settings: RouteSettings) -> Iterator[Target]:
        asked = [target.model for target in settings.targets]
        for number, model in enumerate(asked):
            place = f"{path}.targets[{number}].model"
            provider, name = self._names.split(model)
            if model in asked[:number]:
                self._findings.append(Finding(place, f'"{model}" is a target of this route already', "take it out"))
            elif provider is None:
                known = ", ".join(self._names) or "none"
                todo = f"write it as `endpoint/model`; endpoints are: {known}"
                self._findings.append(Finding(place, f'"{model}" names no endpoint', todo))
            else:
                try:
                    yield provider.target(name)
                except GatewayError as error:
                    self._findings.append(Finding(place, error.public, "name a model that the endpoint has"))

    def _timed(self, target: Target, settings: RouteSettings) -> Target:
        if settings.first_byte is None:
            return target
        times = target.timeouts or Timeouts(self._times.connect, idle=self._times.idle)
        times = msgspec.structs.replace(times, first_byte=settings.first_byte)
        return msgspec.structs.replace(target, timeouts=times)

    def _policy(self, settings: RouteSettings, targets: Sequence[Target]) -> Policy | None:
        """None where there is nothing to decide."""
        if len(targets) == 1 and not settings.retries and settings.timeout is None:
            return None
        faults: frozenset[Fault] = frozenset(str(fault) for fault in settings.on)  # type: ignore[misc]
        weighted = settings.strategy == "weighted"
        return Policy(
            on=faults,
            retries=settings.retries,
            backoff=settings.backoff,
            patience=settings.patience,
            timeout=settings.timeout,
            weights=tuple(target.weight for target in settings.targets) if weighted else (),
            breakers=self._breakers_of(settings, targets),
        )

    def _breakers_of(self, settings: RouteSettings, targets: Sequence[Target]) -> tuple[Breaker, ...]:
        rule = settings.breaker
        if rule is None:
            return ()
        return tuple(self._breakers.at(settings.name, one.endpoint, one.model, rule) for one in targets)
