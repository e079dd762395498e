"""ToolAgents: routes of agents that have tools, or others behind them, and the providers that they lead to."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing

import msgspec

from gateway import (
    Call,
    Edit,
    Event,
    EventProvider,
    Exchange,
    GatewayError,
    Idle,
    Opening,
    Policy,
    Route,
    Services,
    Settings,
    Target,
    ToolSource,
    UnknownModel,
)

from .answers import TakeUp, answers_in, looked_at, settled, taken_up
from .approval import Approval, Rules
from .bounds import Bounds
from .calls import Calls
from .chain import Chain
from .edges import Edge, edges_of
from .fitting import asker_of, refuse_unfit, wished
from .graph import Graph, Member, explored
from .history import named, put_back
from .journal import Book, Journal, runs_of, turns_of
from .place import beginning
from .run import Plan, Run
from .run_settings import LibreChatAgents, RunSettings
from .section import AgentSettings
from .subagents import SELF, Subagents
from .toolbox import Toolbox, fill, owned

ENDPOINT = "agents"
_STATE, _ALIVE = "provider-agents.tools", "provider-agents.alive"
LONGEST_NAME = 100
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
        alive = services.state.setdefault(_ALIVE, {})
        self.book = Book(runs, services.clock, self.settings.lease, self.settings.kept, services.log, alive)
        self._presets: list[Callable[[str], AgentSettings | None]] = []

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

    def know(self, preset: Callable[[str], AgentSettings | None]) -> None:
        """Of a directory: where other agents' models find what one is called."""
        self._presets.append(preset)

    def route(self, agent: AgentSettings, way: Route) -> Route:
        """way: of the agent without its tools, which its turns go."""
        entries, edges, asks = self.owned(agent), edges_of(agent), agent.asks
        if not (entries or edges or asks):
            return way
        edit, inner = way.edit, Edit(way.edit.model, set=way.edit.set, usage=way.edit.usage)
        plan = Plan(
            agent.id,
            msgspec.structs.replace(way, edit=inner),
            Bounds.of(self.settings, self.librechat, agent.recursion_limit),
            agent.output,
            bool(edit.instructions),
            self.settings.keep_alive,
            agent.end_after_tools,
            agent.author,
            self._longest(way),
        )
        provider = ToolAgent(self, plan, entries, asks)
        if edges:
            provider = ChainAgent(self, plan, entries, asks, edges, agent.hide_sequential_outputs)
        target = Target(provider, ENDPOINT, agent.id, state_domain=way.targets[0].state_domain)
        outer = msgspec.structs.replace(edit, set={})
        return Route(agent.id, (target,), outer, agent.id, ONCE, way.fidelity, way.memory)

    async def member(self, name: str, exchange: Exchange) -> Member:
        """An agent that this caller may use. Raises GatewayError."""
        route = await exchange.find(name)
        if route.agent != name:
            raise UnknownModel(f"There is no agent with the id {name!r}.", param="model")
        return self.member_of(route)

    def member_of(self, route: Route) -> Member:
        """route: as callers of the agent are led."""
        name, provider = route.agent, route.targets[0].provider
        preset = self._preset(name)
        known = (_one_line(preset.name) or name, preset.description) if preset is not None else (name, "")
        if not isinstance(provider, ToolAgent):
            bounds = Bounds.of(self.settings, self.librechat, preset.recursion_limit if preset is not None else None)
            return Member(Plan(name, route, bounds, "all", False, self.settings.keep_alive), (), (), (), *known)
        inner = provider.plan.route
        edit = msgspec.structs.replace(route.edit, set=inner.edit.set)
        plan = dataclasses.replace(provider.plan, route=msgspec.structs.replace(inner, edit=edit))
        return Member(plan, provider.entries, provider.edges, provider.asks, *known)

    async def subagents(self, agent: str, asks: Sequence[str], exchange: Exchange) -> Subagents:
        """Those that this caller may use; others are told. An agent that is asked by another asks none."""
        whom = dict[str, str]()
        for one in asks if exchange.depth == 0 else ():
            try:
                if one != agent:
                    await exchange.find(one)
                whom[SELF if one == agent else one] = one
            except GatewayError as error:
                self.services.log.warning("%s: %s cannot ask %s: %s", exchange.id, agent, one, error.public)
                _lose(exchange, f"agent.subagents[{one}]")
        presets = {kind: self._preset(one) for kind, one in whom.items()}
        known = {kind: f"{one.name} {one.description}".strip() if one else kind for kind, one in presets.items()}
        return Subagents(exchange, whom, known)

    def _preset(self, name: str) -> AgentSettings | None:
        return next((found for look in self._presets if (found := look(name)) is not None), None)

    async def toolbox(
        self, plan: Plan, entries: Sequence[str], exchange: Exchange, besides: Sequence[ToolSource] = ()
    ) -> Toolbox:
        """besides: sources for this run alone."""
        services = self.services
        toolbox = await fill(
            (*besides, *services.tools), entries, asker_of(exchange, plan.agent, author=plan.author), services.log
        )
        for name, why in toolbox.missing.items():
            services.log.warning("%s: the tool %s of %s is missing: %s", exchange.id, name, plan.agent, why)
            _lose(exchange, f"agent.tools[{name}]")
        return toolbox

    def calls(self, toolbox: Toolbox, journal: Journal, call: Call, alone: bool = True) -> Calls:
        """call: of the client. alone: whether no other agent goes on at once, so that the client can be asked."""
        wishes = wished(call, toolbox)
        rules = Rules(self.approval, call.asks and alone, wishes)
        return Calls(toolbox.within(wishes), rules, journal, self.settings.tool_timeout, self.services.log)

    def _longest(self, way: Route) -> int | None:
        """Of all its targets; None where it is not known of one."""
        found = [self.services.catalogue.of(target.provider, target.model) for target in way.targets]
        known = [facts.max_output for facts in found if facts is not None and facts.max_output]
        return min(known) if known and len(known) == len(found) else None


class ToolAgent(EventProvider):
    """An agent; entries: of its `tools` that are run here. asks: ids of agents that it may give tasks to."""

    endpoint = ENDPOINT
    delegates = True
    edges: tuple[Edge, ...] = ()

    def __init__(self, made: ToolAgents, plan: Plan, entries: tuple[str, ...], asks: tuple[str, ...]) -> None:
        self._made = made
        self.plan = plan
        self.entries = entries
        self.asks = asks
        self.behind = plan.route.targets

    async def run(self, call: Call, exchange: Exchange) -> AsyncIterator[Event | Idle]:
        refuse_unfit(call)
        async with aclosing((await self._begun(call, exchange, taken_up)).events()) as events:
            async for event in events:
                yield event

    async def opening(self, call: Call, exchange: Exchange) -> Opening:
        refuse_unfit(call)
        return await (await self._begun(call, exchange, looked_at)).opening()

    async def _begun(self, call: Call, exchange: Exchange, take_up: TakeUp) -> Run | Chain:
        made = self._made
        subagents = await made.subagents(self.plan.agent, self.asks, exchange)
        toolbox = await made.toolbox(self.plan, (*subagents.names, *self.entries), exchange, (subagents,))
        user_id = exchange.principal.user_id
        turns = await made.book.turns(user_id, call.messages)
        messages = put_back(call.messages, turns, answers_in(call))
        messages, answered = await take_up(call, messages, made.book, user_id)
        calls = made.calls(toolbox, Journal(made.book, exchange, self.plan.agent), call)
        call = msgspec.structs.replace(call, messages=[named(message, toolbox) for message in messages])
        return Run(self.plan, calls, call, exchange, made.book, answered=answered)


class ChainAgent(ToolAgent):
    """An agent with others behind it. hides: whether clients see what the last of them says alone."""

    def __init__(
        self,
        made: ToolAgents,
        plan: Plan,
        entries: tuple[str, ...],
        asks: tuple[str, ...],
        edges: tuple[Edge, ...],
        hides: bool,
    ) -> None:
        super().__init__(made, plan, entries, asks)
        self.edges = edges
        self._hides = hides

    async def _begun(self, call: Call, exchange: Exchange, take_up: TakeUp) -> Chain:
        """What the first agent changes in the call is not for the others, so that the client's own is taken again."""
        made, route = self._made, exchange.route
        assert route is not None
        graph = await explored(self.plan.agent, made.member_of(route), lambda name: made.member(name, exchange))
        self._tell_barred(graph, exchange)
        user_id, book = exchange.principal.user_id, made.book
        places = await book.places(user_id, call.messages)
        begins = beginning(call.messages, places, turns_of(places), answers_in(call))
        begins.base = await settled(begins.base, book, user_id)
        begins.behind, answered = await take_up(call, begins.behind, book, user_id)
        own = exchange.dialect.decode(exchange.inbound)
        return Chain(made, graph, own, begins, exchange, self._hides, answered)

    def _tell_barred(self, graph: Graph, exchange: Exchange) -> None:
        for name, error in graph.barred.items():
            self._made.services.log.warning(
                "%s: no edge of %s leads to %s: %s", exchange.id, self.plan.agent, name, error.public
            )
            _lose(exchange, f"agent.edges[{name}]")


def _one_line(name: str) -> str:
    """As other agents are told it: one that could be more would stand for what nobody has said."""
    return " ".join(name.split())[:LONGEST_NAME]


def _lose(exchange: Exchange, path: str) -> None:
    """Once, however many agents of a run are without it."""
    if path not in exchange.loss:
        exchange.loss.append(path)
