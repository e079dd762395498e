"""OwnAgents: the agents of LibreChat's own users, under the ids that they have there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from gateway import Directory, Edit, Finding, Inbound, Model, Principal, Provider, RemoteAgents, Route, Settings

from .callers import Callers
from .names import PATH

AGENT = "agent_"
"""What an id begins with. LibreChat runs agents that it does not list for whoever may share their owner's."""


class OwnAgents(Directory):
    """For callers that came by one of LibreChat's keys alone. endpoints: filled after this is made."""

    def __init__(self, callers: Callers, endpoints: Mapping[str, Provider], settings: Settings) -> None:
        self._callers = callers
        self._endpoints = endpoints
        self._settings = settings

    async def find(self, inbound: Inbound, model: str | None, principal: Principal) -> Route | None:
        if not self._callers.has(principal):
            return None
        listed = self._callers.agents(principal)
        if model is None:
            return self._route(listed[0].id) if listed else None
        found = next((agent.id for agent in listed if agent.id == model), None) or _by_name(listed, model)
        if found is None and model.startswith(AGENT):
            found = model
        return None if found is None else self._route(found)

    async def models(self, inbound: Inbound, principal: Principal) -> Sequence[Model]:
        return self._callers.agents(principal) if self._callers.has(principal) else ()

    def findings(self) -> Sequence[Finding]:
        if self._settings.one(RemoteAgents).use:
            return ()
        return (
            Finding(
                f"{PATH}.forward",
                "interface.remoteAgents.use is not true, so LibreChat's users may call nothing here unless their role "
                "may",
                f"set it, or `gateway roles set ROLE --use` for the role that {PATH}.role names",
                "warning",
            ),
        )

    def _route(self, agent: str) -> Route:
        target = self._endpoints[self._callers.endpoint].target(agent)
        return Route(agent, (target,), Edit(model=agent), agent)


def _by_name(listed: Sequence[Model], name: str) -> str | None:
    """Of the one agent that has it."""
    if Counter(agent.name for agent in listed)[name] != 1:
        return None
    return next(agent.id for agent in listed if agent.name == name)
