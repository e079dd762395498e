"""Run: the model and its tools by turns, until the model is done, the client's turn has come, or a bound is reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import msgspec

from gateway import (
    Asker,
    Call,
    Exchange,
    Finished,
    GatewayError,
    Idle,
    Message,
    Route,
    Started,
    Text,
    ToolCall,
    ToolChoice,
    ToolOutcome,
    ToolResult,
    Unsupported,
    UpstreamTimeout,
    Usage,
)
from gateway.runs import RunState

from .bounds import Bounds, Count
from .calls import Calls, arguments_of, failed, result_of
from .history import marked
from .journal import Book, Journal, token
from .reply import Reply
from .stage import Output, Stage
from .toolbox import Toolbox
from .turn import Names, Told, Turn

BAD_ARGUMENTS, CUT = "bad_arguments", "cut"
WORDS = {
    "recursion_limit": "the run has taken all the steps that it may take.",
    "call_limit": "the run has made all the calls that it may make.",
    "token_limit": "the run has used all the tokens that it may use.",
    "cost_limit": "the run has spent what it may spend.",
    "time_limit": "the time of the run is over.",
    BAD_ARGUMENTS: "the arguments of a call were no JSON object once more.",
    CUT: "the reply was cut.",
}


Keep = Callable[[str, Sequence[Message]], Awaitable[None]]
"""Keeps what a turn that a client answers has behind it, under a token."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is the same for all runs of an agent. instructed: whether the call begins with instructions of the agent's.

    keep_alive: seconds of silence. quits: whether it ends with its tools.
    """

    agent: str
    route: Route
    bounds: Bounds
    output: Output
    instructed: bool
    keep_alive: float
    quits: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A run's, that is part of a longer one. left: whether the agent has handed over, so that it does not go on. keep:
    in place of what is kept of a run of one agent.
    """

    reply: Reply
    left: Callable[[], bool]
    keep: Keep


class Run:
    """One agent's. call: with the agent's instructions and parameters in it; it is not changed. ends: how it ended."""

    def __init__(
        self, plan: Plan, calls: Calls, call: Call, exchange: Exchange, book: Book, part: Part | None = None
    ) -> None:
        reply = part.reply if part else reply_of(exchange, plan)
        self._plan = plan
        self._calls = calls
        self._exchange = exchange
        self._book = book
        self._part = part
        self._reply = reply
        self._told: list[Message] = []
        self._call = offered(call, calls.toolbox, plan.instructed)
        self._own = frozenset(tool.name for tool in self._call.tools if calls.toolbox.get(tool.name) is None)
        self._names = reply.names
        self._stage = reply.stage
        self._count = Count(plan.bounds.within(call), exchange, reply.tally)
        self._misread = False
        self._turn: Turn | None = None
        self.ends: Finished | None = None

    def events(self) -> AsyncGenerator[Told, None]:
        """Raises what the first turn raises before its first event; later errors are told in the reply."""
        return recorded(in_time(self._whole(), self._exchange, self._reply), self._calls.journal)

    async def _whole(self) -> AsyncGenerator[Told, None]:
        async with aclosing(self.turns()) as told:
            async for event in told:
                yield event
        async for event in self.last():
            yield event
        assert self.ends is not None
        yield self.ends

    async def turns(self) -> AsyncGenerator[Told, None]:
        """All of them, without what waits for the end of the last one."""
        while self.ends is None:
            self._stage.turn()
            turn = self._turn = Turn(self._calls.toolbox, self._own, self._names, self._call.dialect)
            async with aclosing(self._ask(turn)) as told:
                async for event in told:
                    yield event
            calls, stop = turn.calls, self._stop(turn)
            if calls:
                async with aclosing(self._round(turn, calls, stop)) as told:
                    async for event in told:
                        yield event
            self.ends = self._end(turn, stop)

    @property
    def said(self) -> Sequence[Message]:
        """By the agent and its tools, the last turn included."""
        turn = self._turn
        return self._told if turn is None or turn.calls else [*self._told, turn.message]

    @property
    def waits(self) -> bool:
        """Whether the client is to answer."""
        return self._turn is not None and bool(self._turn.clients) and not self._turn.is_cut

    async def _ask(self, turn: Turn) -> AsyncGenerator[Told, None]:
        """A turn of the model. Usage is told of the whole run."""
        spent = self._exchange.spent
        async with aclosing(self._exchange.ask(self._call, self._plan.route)) as events:
            async for event in events:
                if isinstance(event, Started) and not self._reply.begun:
                    self._reply.begun = True
                    yield msgspec.structs.replace(event, id=None)
                for told in turn.take(event):
                    for seen in self._stage.tell(spent + told if isinstance(told, Usage) else told):
                        yield seen
        self._count.steps += 1
        yield self._exchange.spent

    def _stop(self, turn: Turn) -> str | None:
        """Why the calls of this turn are not made; None where they are."""
        calls = turn.calls
        if not calls:
            return None
        if turn.is_cut:
            return CUT
        why = self._count.reached(len(calls))
        if why is None and any(arguments_of(call) is None for call in calls):
            why, self._misread = BAD_ARGUMENTS if self._misread else None, True
        return why

    def _end(self, turn: Turn, stop: str | None) -> Finished | None:
        """How the run ends; None where the model is asked again."""
        if turn.is_cut:
            return turn.finished
        if turn.clients:
            return msgspec.structs.replace(turn.finished, reason="tool_calls")
        if not turn.calls:
            return turn.finished
        if stop is not None:
            return Finished(reason="pause", detail=stop)
        return Finished() if self._plan.quits or (self._part and self._part.left()) else None

    async def _round(self, turn: Turn, calls: Sequence[ToolCall], stop: str | None) -> AsyncGenerator[Told, None]:
        """Tools, at once. What they come to goes to the client as it comes, to the model in the order of its calls."""
        results: dict[str, ToolResult] = {}
        tasks = {asyncio.ensure_future(self._outcome(call, stop)): call for call in calls}
        pending: set[asyncio.Task[ToolOutcome]] = set(tasks)
        try:
            while pending:
                done, pending = await asyncio.wait(
                    pending, timeout=self._plan.keep_alive, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    yield Idle()
                for task, call in tasks.items():
                    if task in done:
                        results[call.id] = result_of(call, task.result())
                        for event in self._stage.result(results[call.id]):
                            yield event
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        self._count.steps += 1
        self._said(turn.message, Message("tool", [results[call.id] for call in calls]))

    async def _outcome(self, call: ToolCall, stop: str | None) -> ToolOutcome:
        if stop is not None:
            return failed(f"The call was not made: {WORDS[stop]}")
        asker = asker_of(self._exchange, self._plan.agent, f"{self._exchange.id}_{self._count.called()}")
        return await self._calls.outcome(call, asker, self._count.seconds)

    def _said(self, *messages: Message) -> None:
        """For the next turn, which the client's wish for a tool does not bind any more."""
        call = self._call
        choice = call.tool_choice
        forced = choice is not None and (choice.mode in ("required", "tool") or choice.required)
        self._told += messages
        self._call = msgspec.structs.replace(
            call, messages=[*call.messages, *messages], tool_choice=ToolChoice() if forced else choice
        )

    async def last(self) -> AsyncGenerator[Told, None]:
        """What waited for the end of the last turn. Where the client answers a turn of which it does not have all, the
        whole of it is kept first, under ids that say so.
        """
        turn, names = self._turn, dict[str, str]()
        assert turn is not None
        if self.waits and (self._told or self._part):
            kept = token()
            names = {call.id: marked(kept, number) for number, call in enumerate(turn.clients)}
            await self._keep(kept, [_renamed(message, names) for message in self.said])
        for event in turn.held(names):
            for seen in self._stage.tell(event):
                yield seen
        for seen in self._stage.end():
            yield seen

    async def _keep(self, kept: str, said: Sequence[Message]) -> None:
        if self._part is None:
            await self._book.keep(self._exchange.principal.user_id, kept, said)
        else:
            await self._part.keep(kept, said)


async def recorded(told: AsyncGenerator[Told, None], journal: Journal) -> AsyncGenerator[Told, None]:
    """What is told of a run, and how it ended in its journal."""
    error = ""
    state: RunState = "cancelled"
    try:
        async with aclosing(told):
            async for event in told:
                yield event
        state = "completed"
    except GatewayError as failure:
        state, error = "failed", failure.public
        raise
    except Exception:
        state, error = "failed", "The gateway failed on this run."
        raise
    finally:
        await asyncio.shield(journal.end(state, error))


async def in_time(told: AsyncGenerator[Told, None], exchange: Exchange, reply: Reply) -> AsyncGenerator[Told, None]:
    """Until the time of the run is over, which ends a reply that has begun."""
    try:
        async with aclosing(told):
            async for event in told:
                yield event
    except UpstreamTimeout as error:
        if error.code != "deadline" or not reply.begun:
            raise
        yield exchange.spent
        yield Finished(reason="pause", detail="time_limit")


def reply_of(exchange: Exchange, plan: Plan) -> Reply:
    return Reply(Names(exchange.reply_id), Stage(plan.output))


def _renamed(message: Message, names: Mapping[str, str]) -> Message:
    blocks = [
        msgspec.structs.replace(block, id=names.get(block.id, block.id)) if isinstance(block, ToolCall) else block
        for block in message.blocks
    ]
    return msgspec.structs.replace(message, blocks=blocks)


def offered(call: Call, toolbox: Toolbox, instructed: bool) -> Call:
    """With the gateway's tools before the client's; where both have one of a name, the gateway's is the one."""
    system = list(call.system)
    if toolbox.instructions:
        system.insert(1 if instructed else 0, Text(toolbox.instructions))
    tools = toolbox.declared
    names = {tool.name for tool in tools}
    tools += [tool for tool in call.tools if tool.kind == "hosted" or tool.name not in names]
    return msgspec.structs.replace(call, system=system, tools=tools)


def asker_of(exchange: Exchange, agent: str, call_id: str = "") -> Asker:
    return Asker(exchange.principal, agent, call_id=call_id, headers=exchange.inbound.headers)


def refuse_unfit(call: Call) -> None:
    """Raises Unsupported for what a run cannot give."""
    if (call.sampling.choices or 1) > 1:
        raise Unsupported("An agent with tools gives one choice.", code="several_choices", param="n")
    if call.state.previous_response_id or call.state.conversation:
        raise Unsupported(
            "The replies of an agent with tools are not kept; send the conversation itself.",
            code="not_kept",
            param="previous_response_id" if call.state.previous_response_id else "conversation",
        )
