"""Agents: the directory of `gateway.agents[]`."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence

from gateway import Directory, Finding, Forbidden, Inbound, Model, Principal, Route

from .edges import edges_of
from .parameters import Parameters, read
from .section import AgentSettings
from .variables import Instructions
from .ways import Ways


class Agents(Directory):
    """What ways lead to is known after this is made, so it is looked into when a request comes."""

    def __init__(self, agents: Sequence[AgentSettings], ways: Ways, clock: Callable[[], float] = time.time) -> None:
        self._agents = agents
        self._clock = clock
        self._ways = ways
        self._parameters = [read(agent.model_parameters, agent.locked) for agent in agents]
        self._instructions = [Instructions(agent.instructions.reveal()) for agent in agents]
        self._numbers = _numbers(agents)
        self._routes: dict[int, Route] = {}
        ways.tools.know({agent.id: agent for agent in reversed(agents)}.get)

    async def find(self, inbound: Inbound, model: str | None, principal: Principal) -> Route | None:
        number = self._first(principal) if model is None else self._numbers.get(model)
        if number is None:
            return None
        if not self._agents[number].allows(principal):
            raise Forbidden(f"No remote access to agent: {model}", param="model")
        route = self._routes.get(number) or self._make_route(number)
        return self._instructions[number].route(route, self._clock(), principal)

    async def models(self, inbound: Inbound, principal: Principal) -> Sequence[Model]:
        """Without agents of which no endpoint can be called."""
        return [
            self._ways.shown(agent, provider)
            for agent in self._agents
            if agent.allows(principal) and (provider := self._ways.available(agent)) is not None
        ]

    def names(self) -> Collection[str]:
        return self._numbers.keys()

    def findings(self) -> Sequence[Finding]:
        found: list[Finding] = []
        for number, agent in enumerate(self._agents):
            path = f"gateway.agents[{number}]"
            found += self._of_names(number, agent, path)
            found += self._of_endpoint(agent, path)
            found += _of_parameters(self._parameters[number], path)
            found += self._of_tools(agent, path)
            found += self._of_edges(agent, path)
        return found

    def _of_tools(self, agent: AgentSettings, path: str) -> Iterator[Finding]:
        owned = self._ways.tools.owned(agent)
        for at, entry in enumerate(agent.tools):
            if entry not in owned:
                told = json.dumps(entry, default=str)
                yield Finding(f"{path}.tools[{at}]", f"no plugin here runs {told}", "do without it for now", "warning")

    def _of_edges(self, agent: AgentSettings, path: str) -> Iterator[Finding]:
        """Those of the store are not known here."""
        todo = "name agents by their ids; those of the store are asked when a call comes"
        for at, edge in enumerate(edges_of(agent)):
            ends = (*edge.sources, *edge.targets)
            if gone := ", ".join(dict.fromkeys(end for end in ends if not self._is_there(end))):
                place = f"edges[{at}]" if at < len(agent.edges) else "agent_ids"
                yield Finding(f"{path}.{place}", f"no agent of this file has the id {gone}", todo, "warning")
        if gone := ", ".join(one for one in agent.asks if not self._is_there(one)):
            yield Finding(f"{path}.subagents.agent_ids", f"no agent of this file has the id {gone}", todo, "warning")

    def _is_there(self, agent_id: str) -> bool:
        number = self._numbers.get(agent_id)
        return number is not None and self._agents[number].id == agent_id

    def _first(self, principal: Principal) -> int | None:
        return next((number for number, agent in enumerate(self._agents) if agent.allows(principal)), None)

    def _make_route(self, number: int) -> Route:
        route = self._routes[number] = self._ways.route(self._agents[number], self._parameters[number])
        return route

    def _of_names(self, number: int, agent: AgentSettings, path: str) -> Iterator[Finding]:
        earlier = self._agents[:number]
        if any(agent.id == other.id for other in earlier):
            yield Finding(f"{path}.id", f'another agent has the id "{agent.id}"', "give each agent an id of its own")
        if agent.name and any(agent.name == other.name for other in earlier):
            yield Finding(f"{path}.name", f'another agent is named "{agent.name}"', "give each agent its own name")

    def _of_endpoint(self, agent: AgentSettings, path: str) -> Iterator[Finding]:
        if agent.route:
            yield from self._of_route(agent, path)
            return
        for key, given in (("endpoint", agent.endpoint), ("model", agent.model)):
            if not given:
                yield Finding(path, f"`{key}` is missing", "add it, or name a route of gateway.routes as `route`")
        if agent.endpoint and self._ways.provider(agent) is None:
            configured = ", ".join(self._ways.endpoints) or "none"
            yield Finding(
                f"{path}.endpoint", f'there is no endpoint "{agent.endpoint}"', f"configured are: {configured}"
            )

    def _of_route(self, agent: AgentSettings, path: str) -> Iterator[Finding]:
        if agent.endpoint or agent.model:
            yield Finding(f"{path}.route", "the agent names an endpoint or a model, too", "name one or the other")
        if agent.route not in self._ways.routes:
            configured = ", ".join(self._ways.routes) or "none"
            yield Finding(f"{path}.route", f'there is no route "{agent.route}"', f"configured are: {configured}")


def _of_parameters(parameters: Parameters, path: str) -> Iterator[Finding]:
    for place, what in parameters.wrong.items():
        yield Finding(f"{path}.{place}", what, "correct it, or take it out")
    for name in parameters.idle:
        yield Finding(f"{path}.model_parameters.{name}", "it has no effect yet", "take it out", "warning")


def _numbers(agents: Sequence[AgentSettings]) -> dict[str, int]:
    """Places in the list by id, and by name where only one agent has it. Ids count before names."""
    named = Counter(agent.name for agent in agents)
    numbers = {agent.name: n for n, agent in enumerate(agents) if agent.name and named[agent.name] == 1}
    return numbers | {agent.id: n for n, agent in reversed(list(enumerate(agents)))}
