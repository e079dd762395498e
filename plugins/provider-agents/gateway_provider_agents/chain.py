"""Chain: a run of several agents. One has its turns, then those that its edges or its model name go on.

Source: danny-avila/agents `src/graphs/MultiAgentGraph.ts`: agents go on in steps, several of one step at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from gateway import Call, Conflict, Exchange, Finished, Message, Opening, Text, ToolChoice

from .abreast import abreast
from .answers import Answered, with_results
from .bounds import Count
from .edges import Edge
from .graph import Graph
from .handoffs import Handoffs, Handover
from .history import named
from .journal import Journal
from .outcome import in_time, recorded
from .passing import Arrival, Said, note, told, without_calls
from .place import Beginning, Place
from .reply import Reply
from .run import Part, Run, reply_of
from .turn import Told

if TYPE_CHECKING:
    from .tool_agents import ToolAgents


@dataclass(frozen=True, slots=True)
class Stay:
    """An agent while it has its turns. context: what it was told behind the client's last word; own: what it has said
    before its client answered.
    """

    arrival: Arrival
    context: list[Message]
    own: list[Message]
    handoffs: Handoffs
    reply: Reply
    run: Run

    @property
    def said(self) -> list[Message]:
        return with_results([*self.own, *self.run.said], self.run.came)


class Chain:
    """call: the client's own, in which each agent's route changes what is the agent's. hides: whether clients see what
    the last agent says alone. answered: calls that a person was asked about, with which the first agent begins.
    """

    def __init__(
        self,
        made: ToolAgents,
        graph: Graph,
        call: Call,
        begins: Beginning,
        exchange: Exchange,
        hides: bool,
        answered: Answered | None = None,
    ) -> None:
        first = graph.members[graph.first].plan
        self._made = made
        self._graph = graph
        self._call = call
        self._base = begins.base
        self._begins = begins
        self._exchange = exchange
        self._hides = hides
        self._answered = answered
        self._most = first.bounds.steps
        self._journal = Journal(made.book, exchange, graph.first)
        self._reply = reply_of(exchange, first)
        self._count = Count(first.bounds, exchange, self._reply.tally)
        self._said: list[Said] = []
        self._arrived: dict[str, list[str]] = {}
        self._moves = 0

    def events(self) -> AsyncGenerator[Told, None]:
        """As `Run.events`."""
        return recorded(in_time(self._whole(), self._exchange, self._reply), self._journal)

    async def opening(self) -> Opening:
        """Of several that begin at once, what the first one is asked."""
        first, *_ = await self._first()
        return await first.run.opening()

    async def _whole(self) -> AsyncGenerator[Told, None]:
        stays = await self._first()
        ends: Finished | None = None
        while ends is None:
            async with aclosing(self._step(stays)) as events:
                async for event in events:
                    yield event
            ends = _cut_short(stays)
            arrivals = [] if ends else self._onward(stays)
            if not arrivals:
                ends = ends or stays[-1].run.ends
            elif (why := self._held_up) is not None:
                ends = Finished(reason="pause", detail=why)
            else:
                self._moves += 1
                stays = [await self._stay(arrival, len(arrivals) == 1) for arrival in arrivals]
        async with aclosing(self._last(stays)) as events:
            async for event in events:
                yield event
        yield ends

    @property
    def _held_up(self) -> str | None:
        """The bound for which no other goes on."""
        return "recursion_limit" if self._moves >= self._most else self._count.over

    async def _step(self, stays: Sequence[Stay]) -> AsyncGenerator[Told, None]:
        """Agents that go on at once."""
        hushed = self._hides and any(self._graph.goes_on(one.arrival.agent) for one in stays)
        for reply in (self._reply, *(one.reply for one in stays)):
            reply.stage.hushed = hushed
        runs = [one.run for one in stays]
        async with aclosing(runs[0].turns() if len(runs) == 1 else abreast(runs, self._reply)) as events:
            async for event in events:
                yield event
        yield self._exchange.spent

    async def _last(self, stays: Sequence[Stay]) -> AsyncGenerator[Told, None]:
        if len(stays) == 1:
            async for event in stays[0].run.last():
                yield event
        else:
            for event in self._reply.stage.end():
                yield event

    async def _first(self) -> list[Stay]:
        begins, graph = self._begins, self._graph
        place = begins.place
        if place is None:
            graph.check_ahead()
            starts = [Arrival(agent) for agent in graph.starts]
            stays = [await self._stay(one, len(starts) == 1, begins.behind) for one in starts]
            self._said += [Said(self._name(graph.first), begins.behind)] if begins.behind else []
            return stays
        if place.agent not in graph.members or any(one.agent not in graph.members for one in place.handed):
            raise Conflict(
                "The agent that asked for this is not there any more. Send the conversation up to its last user "
                "message, without the calls behind it; the turn is then made anew.",
                code="turn_expired",
                param="messages",
            )
        self._said, self._arrived, self._moves = list(place.said), dict(place.arrived), place.moves
        if not place.handed:
            return [await self._made_stay(Arrival(place.agent), True, place.context, begins.behind)]
        self._said.append(Said(self._name(place.agent), begins.behind))
        self._moves += 1
        return [await self._stay(one, len(place.handed) == 1) for one in place.handed]

    async def _stay(self, arrival: Arrival, alone: bool, context: list[Message] | None = None) -> Stay:
        """context: for agents that a run begins with."""
        if context is None:
            context = told(arrival, self._said, self._has_tools(arrival.agent, alone))
        return await self._made_stay(arrival, alone, context, [])

    async def _made_stay(self, arrival: Arrival, alone: bool, context: list[Message], own: list[Message]) -> Stay:
        """alone: whether no other goes on at once, so that the client's own tools can be called."""
        member = self._graph.members[arrival.agent]
        handoffs = Handoffs(self._graph, arrival.agent)
        subagents = await self._made.subagents(arrival.agent, member.asks, self._exchange)
        asked = (*handoffs.names, *subagents.names, *member.entries)
        toolbox = await self._made.toolbox(member.plan, asked, self._exchange, (handoffs, subagents))
        base = self._base if self._has_tools(arrival.agent, alone) else [without_calls(one) for one in self._base]
        call = self._asked(arrival, alone, [named(one, toolbox) for one in [*base, *context, *own]])
        reply = self._reply if alone else self._reply.beside()

        async def keep(kept: str, said: Sequence[Message]) -> None:
            await self._keep(kept, stay, said)

        part = Part(reply, lambda: bool(handoffs.made), keep)
        calls = self._made.calls(toolbox, self._journal, self._call, alone)
        plan = replace(member.plan, instructed=False)
        answered, self._answered = (self._answered if alone else None), None
        run = Run(plan, calls, call, self._exchange, self._made.book, part, answered)
        stay = Stay(arrival, context, own, handoffs, reply, run)
        return stay

    def _asked(self, arrival: Arrival, alone: bool, messages: list[Message]) -> Call:
        """A choice of tools is the client's wish for the first turn of the first agent alone; a format is one for the
        last agent, where it is known that this is another.
        """
        call, graph = self._call, self._graph
        known = [Text(note(self._name(arrival.agent), arrival.before))] if arrival.before else []
        choice = call.tool_choice
        if choice is not None and choice.mode != "none" and (self._reply.begun or not alone):
            choice = ToolChoice()
        return msgspec.structs.replace(
            call,
            model=arrival.agent,
            messages=messages,
            system=[*known, *call.system],
            tools=call.tools if alone else [tool for tool in call.tools if tool.kind == "hosted"],
            tool_choice=choice,
            output_format=None if graph.direct(arrival.agent) else call.output_format,
        )

    def _has_tools(self, agent: str, alone: bool) -> bool:
        own = any(tool.kind != "hosted" for tool in self._call.tools)
        member = self._graph.members[agent]
        return bool(member.entries or member.asks or self._graph.handoffs(agent) or (alone and own))

    def _onward(self, stays: Sequence[Stay]) -> list[Arrival]:
        """Who goes on, each once. Raises Forbidden or Unavailable where somebody cannot."""
        said = [Said(self._name(one.arrival.agent), one.said) for one in stays]
        self._said += said
        arrivals: dict[str, Arrival] = {}
        for stay in stays:
            agent = stay.arrival.agent
            if stay.handoffs.made:
                for one in self._handed(agent, stay.handoffs.made):
                    _merge(arrivals, one)
                continue
            self._graph.check(agent)
            for edge in self._graph.direct(agent):
                if self._is_complete(edge, agent):
                    for target in edge.targets:
                        _merge(arrivals, Arrival(target, prompt=edge.prompt, excludes=edge.excludes))
        return list(arrivals.values())

    def _handed(self, agent: str, made: Sequence[Handover]) -> list[Arrival]:
        """Each of them once."""
        arrivals: dict[str, Arrival] = {}
        for one in made:
            instructions = [one.instructions] if one.instructions else []
            _merge(arrivals, Arrival(one.agent, [self._name(agent)], instructions))
        return list(arrivals.values())

    def _is_complete(self, edge: Edge, agent: str) -> bool:
        """Whether all have ended that it waits for."""
        if len(edge.sources) == 1:
            return True
        arrived = {*self._arrived.pop(edge.name, ()), agent}
        if arrived >= set(edge.sources):
            return True
        self._arrived[edge.name] = sorted(arrived)
        return False

    async def _keep(self, kept: str, stay: Stay, said: Sequence[Message]) -> None:
        """Where the run is when its client's turn has come."""
        agent = stay.arrival.agent
        place = Place(
            agent,
            stay.context,
            with_results([*stay.own, *said], stay.run.came),
            self._said,
            self._arrived,
            self._handed(agent, stay.handoffs.made),
            self._begins.later,
            self._moves,
        )
        await self._made.book.keep(self._exchange.principal.user_id, kept, place)

    def _name(self, agent: str) -> str:
        return self._graph.members[agent].name or agent


def _cut_short(stays: Sequence[Stay]) -> Finished | None:
    """Where one of them waits for its client, or did not come to its end by itself, the run ends with it."""
    ends = [(one.run.ends, one.run.waits) for one in stays]
    return next((end for end, waits in ends if end and (waits or end.reason not in ("stop", "stop_sequence"))), None)


def _merge(arrivals: dict[str, Arrival], new: Arrival) -> None:
    """Of several ways to one agent the first prompt counts, and all instructions."""
    there = arrivals.get(new.agent)
    if there is None:
        arrivals[new.agent] = new
        return
    arrivals[new.agent] = msgspec.structs.replace(
        there,
        before=list(dict.fromkeys([*there.before, *new.before])),
        instructions=[*there.instructions, *new.instructions],
        prompt=there.prompt or new.prompt,
        excludes=there.excludes or (not there.prompt and new.excludes),
    )
