"""StoredAgents: the directory of the store's agents, all of them in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast

from msgspec import Struct

from gateway import (
    Agent,
    Directory,
    Follower,
    Forbidden,
    Inbound,
    Lifespan,
    Model,
    Principal,
    Route,
    Secret,
    Services,
    Settings,
    Store,
    Unavailable,
)
from gateway.identity import REMOTE_AGENT, VIEW

from .access import Access
from .edges import kept_edges
from .fields import of_no_effect
from .parameters import Parameters, read
from .section import AgentSettings, KeptSettings, SubagentSettings
from .tool_agents import ToolAgents
from .variables import Instructions
from .ways import Ways

_STATE = "provider-agents.stored"
PAGE = 500


class Kept(Struct, frozen=True):
    """An agent as it is called: preset, parameters, what its instructions say."""

    agent: Agent
    preset: AgentSettings
    parameters: Parameters
    instructions: Instructions

    @staticmethod
    def of(agent: Agent) -> Kept:
        preset = KeptSettings(
            by=agent.author,
            id=agent.id,
            name=agent.name,
            description=agent.description,
            endpoint=agent.provider,
            model=agent.model,
            instructions=Secret(agent.instructions),
            tools=agent.tools,
            recursion_limit=_steps(agent.extra.get("recursion_limit")),
            edges=kept_edges(agent.extra),
            agent_ids=_ids(agent.extra.get("agent_ids")),
            hide_sequential_outputs=agent.extra.get("hide_sequential_outputs") is True,
            end_after_tools=agent.extra.get("end_after_tools") is True,
            subagents=_subagents(agent.extra.get("subagents")),
        )
        return Kept(agent, preset, read(agent.model_parameters, ()), Instructions(agent.instructions))

    @property
    def notes(self) -> list[str]:
        """What of it has no effect, whatever is installed."""
        notes = [f"{place}: {what}" for place, what in self.parameters.wrong.items()]
        notes += [f"model_parameters.{name}: it has no effect yet" for name in self.parameters.idle]
        return notes + of_no_effect(self.agent.extra)


class StoredAgents(Directory):
    """They answer to their ids alone: a name that any user may choose must not stand for somebody else's model.

    known: whether they were read.
    """

    def __init__(self, services: Services, tools: ToolAgents | None = None) -> None:
        self.ways = Ways(services, tools or ToolAgents(Settings.of(), services))
        self._clock = services.clock
        self._kept: Mapping[str, Kept] = {}
        self._routes: dict[str, Route] = {}
        self._access = Access((), ())
        self.known = False
        self._revision = -1
        self._reading = asyncio.Lock()
        self.ways.tools.know(self._preset)

    @staticmethod
    def new(services: Services, tools: ToolAgents) -> StoredAgents:
        """For the directories; `follower` and `of` find it. What was read survives a reload."""
        before = cast("StoredAgents | None", services.state.get(_STATE))
        services.state[_STATE] = made = StoredAgents(services, tools)
        if before is not None:
            made._kept, made._access, made.known = before._kept, before._access, before.known
        return made

    @staticmethod
    def of(services: Services) -> StoredAgents:
        """The one of the directories, once they are registered."""
        return cast("StoredAgents | None", services.state.get(_STATE)) or StoredAgents(services)

    async def refresh(self, store: Store) -> None:
        """What was changed a moment ago, wherever that was, is here afterwards. Raises Unavailable."""
        if store.agents is not None and await store.agents.revision() != self._revision:
            async with self._reading:
                if await store.agents.revision() != self._revision:
                    await self._load(store)

    async def load(self, store: Store) -> None:
        """All of them, in place of those before. Raises Unavailable."""
        async with self._reading:
            await self._load(store)

    async def _load(self, store: Store) -> None:
        if store.agents is None or store.grants is None:
            return
        revision = await store.agents.revision()
        kept: dict[str, Kept] = {}
        after = ""
        while True:
            page = await store.agents.list(PAGE, after)
            kept |= {agent.id: Kept.of(agent) for agent in page.items}
            if page.next is None:
                break
            after = page.next
        groups = await store.groups.list() if store.groups is not None else ()
        access = Access(await store.grants.list(REMOTE_AGENT), groups)
        self._kept, self._routes, self._access, self._revision = kept, {}, access, revision
        self.known = True

    async def find(self, inbound: Inbound, model: str | None, principal: Principal) -> Route | None:
        kept = self._first(principal) if model is None else self._kept.get(model)
        if kept is None:
            return None
        if not self._access.bits(kept.agent, principal) & VIEW:
            raise Forbidden(f"No remote access to agent: {model}", param="model")
        route = self._routes.get(kept.agent.id) or self._route(kept)
        return kept.instructions.route(route, self._clock(), principal)

    async def models(self, inbound: Inbound, principal: Principal) -> Sequence[Model]:
        """Without agents that nothing can answer for."""
        return [
            self.ways.shown(kept.preset, provider, int(kept.agent.created), kept.agent.author)
            for kept in self._kept.values()
            if self._access.bits(kept.agent, principal) & VIEW
            and kept.agent.model
            and (provider := self.ways.available(kept.preset)) is not None
        ]

    def all(self) -> Sequence[Kept]:
        return list(self._kept.values())

    def _preset(self, agent_id: str) -> AgentSettings | None:
        kept = self._kept.get(agent_id)
        return kept.preset if kept is not None else None

    def bits(self, agent: Agent, principal: Principal) -> int:
        """What this caller may do with it."""
        return self._access.bits(agent, principal)

    def is_public(self, agent_id: str) -> bool:
        return self._access.is_public(agent_id)

    def trouble(self, kept: Kept) -> str | None:
        """Why it cannot be called."""
        if not kept.agent.model:
            return "it names no model"
        provider = self.ways.provider(kept.preset)
        if provider is None:
            return f"there is no endpoint {kept.agent.provider!r} here"
        return provider.unavailable

    def notes(self, kept: Kept) -> list[str]:
        """What of it has no effect here."""
        owned = self.ways.tools.owned(kept.preset)
        idle = [entry for entry in kept.agent.tools if entry not in owned]
        return [*kept.notes, *(f"tools: no plugin here runs {entry}" for entry in idle)]

    def _first(self, principal: Principal) -> Kept | None:
        may = (kept for kept in self._kept.values() if self._access.bits(kept.agent, principal) & VIEW)
        return next((kept for kept in may if self.trouble(kept) is None), None)

    def _route(self, kept: Kept) -> Route:
        if (why := self.trouble(kept)) is not None:
            raise Unavailable(f"The agent {kept.agent.id} cannot be called: {why}.")
        route = self._routes[kept.agent.id] = self.ways.route(kept.preset, kept.parameters)
        return route


def _steps(given: object) -> int | None:
    """LibreChat's own limit of an agent's, where it is one."""
    return given if isinstance(given, int) and given > 0 else None


def _ids(given: object) -> tuple[str, ...]:
    return tuple(one for one in given if isinstance(one, str) and one) if isinstance(given, list) else ()


def _subagents(given: object) -> SubagentSettings:
    if not isinstance(given, dict) or given.get("enabled") is not True:
        return SubagentSettings()
    allows = given.get("allowSelf") is not False
    return SubagentSettings(enabled=True, allow_self=allows, agent_ids=_ids(given.get("agent_ids")))


def follower(services: Services) -> Sequence[Lifespan]:
    """What keeps them up to date, where the store knows of agents."""
    store, stored = services.store, cast("StoredAgents | None", services.state.get(_STATE))
    if store is None or store.agents is None or stored is None:
        return ()
    return (Follower("agents", store.agents.revision, lambda: stored.load(store), services.log, known=stored.known),)
