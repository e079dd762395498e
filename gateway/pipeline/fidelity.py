"""Fidelity: whether a call may lose something on its way to a target."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ..provider import Target
from ..settings.contract import Finding
from ..settings.routes import FidelityRules, Level
from .resolve import Route


class Fidelity:
    """The nearest rule counts: the agent's, the route's, the endpoint's, the default."""

    def __init__(self, rules: Level | FidelityRules) -> None:
        given = rules if isinstance(rules, FidelityRules) else FidelityRules(default=rules)
        self._default = given.default
        self._agents: Mapping[str, Level] = given.agents
        self._endpoints: Mapping[str, Level] = given.endpoints

    def strict(self, route: Route, target: Target) -> bool:
        own = self._agents.get(route.agent) if route.agent else None
        level = own or route.fidelity or self._endpoints.get(target.endpoint) or self._default
        return level == "strict"

    def findings(self, agents: Collection[str], endpoints: Collection[str]) -> Iterable[Finding]:
        """A rule for what there is not would hold nowhere, in silence."""
        for kind, named, known in (("agents", self._agents, agents), ("endpoints", self._endpoints, endpoints)):
            for name in named:
                if name not in known:
                    path = f"gateway.fidelity.{kind}.{name}"
                    todo = f"there are: {', '.join(sorted(known)) or 'none'}"
                    yield Finding(path, "it names nothing, so the rule holds nowhere", todo)
