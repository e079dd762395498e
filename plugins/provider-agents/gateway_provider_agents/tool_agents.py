"""ToolAgents: routes of agents that have tools, and the providers that they lead to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec

from gateway import (
    Call,
    Edit,
    Event,
    EventProvider,
    Exchange,
    Idle,
    Policy,
    Route,
    Services,
    Settings,
    Target,
)

from .approval import Approval
from .bounds import Bounds
from .calls import Calls
from .history import named, put_back
from .journal import Book, Journal, runs_of
from .run import Plan, Run, asker_of, refuse_unfit
from .run_settings import LibreChatAgents, RunSettings
from .section import AgentSettings
from .toolbox import fill, owned

ENDPOINT = "agents"
_STATE, _ALIVE = "provider-agents.tools", "provider-agents.alive"
ONCE = Policy(on=frozenset())
"""Its turns are tried again where they fail, each for itself; a whole run never is."""


class ToolAgents:
    """services.tools is filled after this is made, so it is looked into when a route is made."""

    def __init__(self, settings: Settings, services: Services) -> None:
        self.services = services
        self.settings = settings.one(RunSettings)
        self.librechat = settings.one(LibreChatAgents)
        self.approval = Approval(self.librechat.tool_approval)
        runs = runs_of(services.store, services.state)
        alive = services.state.setdefault(_ALIVE, set())
        self.book = Book(runs, services.clock, self.settings.lease, self.settings.kept, services.log, alive)

    @staticmethod
    def new(settings: Settings, services: Services) -> ToolAgents:
        """For the directories; hooks that are called later find it by `of`."""
        services.state[_STATE] = made = ToolAgents(settings, services)
        return made

    @staticmethod
    def of(settings: Settings, services: Services) -> ToolAgents:
        found = services.state.get(_STATE)
        return found if isinstance(found, ToolAgents) else ToolAgents.new(settings, services)

    def owned(self, agent: AgentSettings) -> tuple[str, ...]:
        return owned(self.services.tools, agent.tools)

    def route(self, agent: AgentSettings, way: Route) -> Route:
        """way: of the agent without its tools, which its turns go."""
        entries = self.owned(agent)
        if not entries:
            return way
        edit, inner = way.edit, Edit(way.edit.model, set=way.edit.set, usage=way.edit.usage)
        plan = Plan(
            agent.id,
            msgspec.structs.replace(way, edit=inner),
            Bounds.of(self.settings, self.librechat, agent.recursion_limit),
            agent.output,
            bool(edit.instructions),
            self.settings.keep_alive,
        )
        target = Target(ToolAgent(self, plan, entries), ENDPOINT, agent.id, state_domain=way.targets[0].state_domain)
        outer = msgspec.structs.replace(edit, set={})
        return Route(agent.id, (target,), outer, agent.id, ONCE, way.fidelity, way.memory)


class ToolAgent(EventProvider):
    """An agent; entries: of its `tools` that are run here."""

    endpoint = ENDPOINT
    delegates = True

    def __init__(self, made: ToolAgents, plan: Plan, entries: tuple[str, ...]) -> None:
        self._made = made
        self.plan = plan
        self._entries = entries
        self.behind = plan.route.targets

    async def run(self, call: Call, exchange: Exchange) -> AsyncIterator[Event | Idle]:
        refuse_unfit(call)
        made, services = self._made, self._made.services
        asker = asker_of(exchange, self.plan.agent)
        toolbox = await fill(services.tools, self._entries, asker, services.log)
        for name, why in toolbox.missing.items():
            services.log.warning("%s: the tool %s of %s is missing: %s", exchange.id, name, self.plan.agent, why)
            exchange.loss.append(f"agent.tools[{name}]")
        turns = await made.book.turns(exchange.principal.user_id, call.messages)
        messages = [named(message, toolbox) for message in put_back(call.messages, turns)]
        call = msgspec.structs.replace(call, messages=messages)
        journal = Journal(made.book, exchange, self.plan.agent)
        calls = Calls(toolbox, made.approval, journal, made.settings.tool_timeout, services.log)
        async with aclosing(Run(self.plan, calls, call, exchange, made.book).events()) as events:
            async for event in events:
                yield event
