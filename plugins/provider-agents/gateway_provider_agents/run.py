"""Run: the model and its tools by turns, until the model is done, the client's turn has come, or a bound is reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
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
from .journal import Book, token
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


@dataclass(frozen=True, slots=True)
class Plan:
    """What is the same for all runs of an agent. instructed: whether the call begins with instructions of the agent's.

    keep_alive: seconds of silence.
    """

    agent: str
    route: Route
    bounds: Bounds
    output: Output
    instructed: bool
    keep_alive: float


class Run:
    """One. call: with the agent's instructions and parameters in it; it is not changed."""

    def __init__(self, plan: Plan, calls: Calls, call: Call, exchange: Exchange, book: Book) -> None:
        self._plan = plan
        self._calls = calls
        self._exchange = exchange
        self._book = book
        self._told: list[Message] = []
        self._call = offered(call, calls.toolbox, plan.instructed)
        self._own = frozenset(tool.name for tool in self._call.tools if calls.toolbox.get(tool.name) is None)
        self._names = Names(exchange.reply_id)
        self._stage = Stage(plan.output)
        self._count = Count(plan.bounds.within(call), exchange)
        self._begun = False
        self._misread = False

    async def events(self) -> AsyncGenerator[Told, None]:
        """Raises what the first turn raises before its first event; later errors are told in the reply."""
        journal, error = self._calls.journal, ""
        state: RunState = "cancelled"
        try:
            async with aclosing(self._in_time()) as told:
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

    async def _in_time(self) -> AsyncGenerator[Told, None]:
        try:
            async with aclosing(self._turns()) as told:
                async for event in told:
                    yield event
        except UpstreamTimeout as error:
            if error.code != "deadline" or not self._begun:
                raise
            yield self._exchange.spent
            yield Finished(reason="pause", detail="time_limit")

    async def _turns(self) -> AsyncGenerator[Told, None]:
        ends: Finished | None = None
        while ends is None:
            self._stage.turn()
            turn = Turn(self._calls.toolbox, self._own, self._names, self._call.dialect)
            async with aclosing(self._ask(turn)) as told:
                async for event in told:
                    yield event
            calls, stop = turn.calls, self._stop(turn)
            if calls:
                async with aclosing(self._round(turn, calls, stop)) as told:
                    async for event in told:
                        yield event
            ends = self._end(turn, stop)
        async for event in self._last(turn):
            yield event
        yield ends

    async def _ask(self, turn: Turn) -> AsyncGenerator[Told, None]:
        """A turn of the model. Usage is told of the whole run."""
        spent = self._exchange.spent
        async with aclosing(self._exchange.ask(self._call, self._plan.route)) as events:
            async for event in events:
                if isinstance(event, Started) and not self._begun:
                    self._begun = True
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
        return None if stop is None else Finished(reason="pause", detail=stop)

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
        self._count.calls += 1
        asker = asker_of(self._exchange, self._plan.agent, f"{self._exchange.id}_{self._count.calls}")
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

    async def _last(self, turn: Turn) -> AsyncGenerator[Told, None]:
        """What waited for the end of the last turn. Where the client answers a turn of which it does not have all, the
        whole of it is kept first, under ids that say so.
        """
        names: dict[str, str] = {}
        if self._told and turn.clients and not turn.is_cut:
            kept = token()
            names = {call.id: marked(kept, number) for number, call in enumerate(turn.clients)}
            said = self._told if turn.calls else [*self._told, turn.message]
            whole = [_renamed(message, names) for message in said]
            await self._book.keep(self._exchange.principal.user_id, kept, whole)
        for event in turn.held(names):
            for seen in self._stage.tell(event):
                yield seen
        for seen in self._stage.end():
            yield seen


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
