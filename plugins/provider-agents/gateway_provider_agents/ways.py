"""Ways: where agents' calls go, and what lists show of them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Edit, Model, Provider, Route, Services, Unavailable

from .parameters import Parameters
from .section import AgentSettings
from .tool_agents import ToolAgents

OWNER = "librechat"


class Ways:
    """What `services` names is filled after this is made, so it is looked into when a request comes."""

    def __init__(self, services: Services, tools: ToolAgents) -> None:
        self.endpoints = services.endpoints
        self.routes = services.routes
        self.tools = tools
        self._catalogue = services.catalogue

    def route(self, agent: AgentSettings, parameters: Parameters) -> Route:
        """To what runs it, where it has tools. Raises Unavailable."""
        return self.tools.route(agent, self._way(agent, parameters))

    def _way(self, agent: AgentSettings, parameters: Parameters) -> Route:
        """To its model, or as the route that it names. Raises Unavailable."""
        edit = Edit(
            model=agent.model,
            instructions=agent.instructions.reveal() or None,
            defaults=parameters.defaults,
            locked=parameters.locked,
            set=parameters.set,
        )
        if agent.route:
            way = self.routes.get(agent.route)
            if way is None:
                raise Unavailable(f"The route {agent.route} of agent {agent.id} is not configured.")
            return Route(agent.id, way.targets, edit, agent.id, way.policy, way.fidelity, agent.memory == "server")
        provider = self.provider(agent)
        if provider is None:
            raise Unavailable(f"The endpoint {agent.endpoint} of agent {agent.id} is not configured.")
        return Route(agent.id, (provider.target(agent.model),), edit, agent.id, memory=agent.memory == "server")

    def available(self, agent: AgentSettings) -> Provider | None:
        """The first provider that can be called."""
        return next((one for one in self._providers(agent) if not one.unavailable), None)

    def provider(self, agent: AgentSettings) -> Provider | None:
        wanted = agent.endpoint.lower()
        folded = (provider for name, provider in self.endpoints.items() if name.lower() == wanted)
        return self.endpoints.get(agent.endpoint) or next(folded, None)

    def shown(self, agent: AgentSettings, provider: Provider, created: int = 0, author: str = "") -> Model:
        """What is known of its model is true of the agent."""
        return Model(
            agent.id,
            agent.name or agent.id,
            agent.description,
            OWNER,
            created,
            agent=True,
            facts=self._catalogue.of(provider, agent.model) if agent.model else None,
            author=author,
            provider=agent.endpoint,
        )

    def _providers(self, agent: AgentSettings) -> Sequence[Provider]:
        if agent.route:
            way = self.routes.get(agent.route)
            return [target.provider for target in way.targets] if way is not None else ()
        provider = self.provider(agent)
        return [provider] if provider is not None else ()
