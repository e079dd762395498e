"""Graph: the agents that one run may come to, and the edges between them, as its caller may use them."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway import Forbidden, GatewayError, Unavailable, Unsupported

from .edges import Edge
from .run import Plan

MOST = 64
"""Agents of one run."""


@dataclass(frozen=True, slots=True)
class Member:
    """An agent of a run. plan: its route has all that the agent changes in a call. entries: of its `tools` that are run
    here. asks: ids of agents that it may give tasks to. name, description: for other agents' models.
    """

    plan: Plan
    entries: tuple[str, ...] = ()
    edges: tuple[Edge, ...] = ()
    asks: tuple[str, ...] = ()
    name: str = ""
    description: str = ""


Find = Callable[[str], Awaitable[Member]]
"""An agent by its id, for the caller. Raises GatewayError."""


class Graph:
    """barred: agents that edges lead to and that cannot be asked, with the reason."""

    def __init__(
        self, first: str, members: Mapping[str, Member], edges: Sequence[Edge], barred: Mapping[str, GatewayError]
    ) -> None:
        self.first = first
        self.members = members
        self.edges = edges
        self.barred = barred

    def handoffs(self, agent: str) -> Sequence[tuple[Edge, str]]:
        """Where its model may go on, each place once."""
        ways: dict[str, Edge] = {}
        for edge in self.edges:
            if not edge.direct and agent in edge.sources:
                for target in edge.targets:
                    ways.setdefault(target, edge)
        return [(edge, target) for target, edge in ways.items() if target in self.members]

    def direct(self, agent: str) -> Sequence[Edge]:
        return [edge for edge in self.edges if edge.direct and agent in edge.sources]

    def goes_on(self, agent: str) -> bool:
        """Whether it may not be the last one."""
        return bool(self.direct(agent) or self.handoffs(agent))

    @property
    def starts(self) -> Sequence[str]:
        """The first agent, and those that direct edges wait for and none leads to."""
        led_to = {target for edge in self.edges for target in edge.targets}
        others = [source for edge in self.edges if edge.direct for source in edge.sources if source not in led_to]
        return list(dict.fromkeys([self.first, *others]))

    def check(self, agent: str) -> None:
        """Raises Forbidden or Unavailable where a run that is there could not go on."""
        for edge in self.direct(agent):
            for other in (*edge.sources, *edge.targets):
                self.there(other, agent)

    def check_ahead(self) -> None:
        """The same of all that it comes to whatever its models say."""
        ahead, seen = deque(self.starts), set[str]()
        while ahead:
            agent = ahead.popleft()
            if agent not in seen:
                seen.add(agent)
                self.there(agent, self.first)
                self.check(agent)
                ahead.extend(target for edge in self.direct(agent) for target in edge.targets)

    def there(self, agent: str, before: str) -> None:
        error = self.barred.get(agent)
        if isinstance(error, Forbidden):
            raise Forbidden(f"The agent {before} goes on to {agent}, which this key may not use.", param="model")
        if error is not None:
            raise Unavailable(f"The agent {before} goes on to {agent}, which cannot be called: {error.public}")


async def explored(first: str, member: Member, find: Find) -> Graph:
    """All that edges lead to. Raises Unsupported where that is too much."""
    members, barred, edges = {first: member}, dict[str, GatewayError](), dict[str, Edge]()
    ahead = deque([member])
    while ahead:
        for edge in ahead.popleft().edges:
            if edges.setdefault(edge.name, edge) is not edge:
                continue
            for agent in (*edge.sources, *edge.targets):
                if agent in members or agent in barred:
                    continue
                if len(members) == MOST:
                    raise Unsupported(f"More than {MOST} agents follow {first}.", code="too_many_agents")
                try:
                    members[agent] = await find(agent)
                    ahead.append(members[agent])
                except GatewayError as error:
                    barred[agent] = error
    return Graph(first, members, tuple(edges.values()), barred)
