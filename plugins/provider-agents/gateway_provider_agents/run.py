"""Run: the model and its tools by turns, until the model is done, the client's turn has come, or a bound is reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import msgspec

from gateway import (
    ApprovalResponse,
    BlockStart,
    BlockStop,
    Call,
    Exchange,
    Finished,
    Idle,
    Message,
    Opening,
    Route,
    Started,
    ToolCall,
    ToolChoice,
    ToolOutcome,
    ToolResult,
    Usage,
)

from .answers import Answered, with_results
from .approval import REJECTED
from .bounds import Bounds, Count
from .calls import Calls, arguments_of, failed, result_of
from .fitting import acts, asker_of, offered
from .history import marked
from .journal import Book, token
from .outcome import in_time, recorded
from .record import Record, ResultStep, TurnStep
from .reply import Reply
from .stage import Output, Stage
from .turn import Names, Told, Turn, shown_call

BAD_ARGUMENTS, CUT = "bad_arguments", "cut"
BROKEN_OFF = "The call was broken off, since its client had left; what came of it is not known."
LEFT = "The call was not made: the conversation was handed over in the same turn."
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

    keep_alive: seconds of silence. quits: whether it ends with its tools. author: whose the agent is. longest: tokens
    that a turn may write at most, where that is known of its models.
    """

    agent: str
    route: Route
    bounds: Bounds
    output: Output
    instructed: bool
    keep_alive: float
    quits: bool = False
    author: str = ""
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A run's, that is part of a longer one. left: whether the agent has handed over, so that it does not go on. keep:
    in place of what is kept of a run of one agent.
    """

    reply: Reply
    left: Callable[[], bool]
    keep: Keep


class Run:
    """One agent's. call: with the agent's instructions and parameters in it; it is not changed. answered: calls of the
    turn before that a person was asked about, with which it begins; came: what they came to. ends: how it ended.
    """

    def __init__(
        self,
        plan: Plan,
        calls: Calls,
        call: Call,
        exchange: Exchange,
        book: Book,
        part: Part | None = None,
        answered: Answered | None = None,
    ) -> None:
        reply = part.reply if part else reply_of(exchange, plan)
        self._plan = plan
        self._calls = calls
        self._exchange = exchange
        self._book = book
        self._part = part
        self._answered = answered
        self._reply = reply
        self._told: list[Message] = []
        self._call = offered(call, calls, plan.instructed)
        self._own = frozenset(tool.name for tool in self._call.tools if calls.toolbox.get(tool.name) is None)
        self._names = reply.names
        self._names.know(call.messages)
        self._stage = reply.stage
        self._count = Count(plan.bounds.within(call), exchange, reply.tally)
        self._misread = False
        self._turn: Turn | None = None
        self._asked: Sequence[ToolCall] = ()
        self._called = False
        self._is_short = False
        self._numbers: dict[str, int] = {}
        self._is_unsafe = acts(self._call, plan.route)
        self._record = Record(exchange, book.lasts and part is None and answered is None)
        self.came: Sequence[ToolResult] = ()
        self.ends: Finished | None = None

    def events(self) -> AsyncGenerator[Told, None]:
        """Raises what the first turn raises before its first event; later errors are told in the reply."""
        return recorded(in_time(self._whole(), self._exchange, self._reply), self._calls.journal)

    async def opening(self) -> Opening:
        """Its first turn."""
        return Opening(self._call, self._plan.route)

    async def _whole(self) -> AsyncGenerator[Told, None]:
        await self._begin()
        async with aclosing(self.turns()) as told:
            async for event in told:
                yield event
        async for event in self.last():
            yield event
        assert self.ends is not None
        yield self.ends

    async def _begin(self) -> None:
        if self._record.resumes:
            await self._calls.journal.take_up()
            self._count.late(self._book.clock() - self._exchange.began)
        await self._record.begin()

    async def turns(self) -> AsyncGenerator[Told, None]:
        """All of them, without what waits for the end of the last one."""
        if self._answered is not None:
            async with aclosing(self._resume(self._answered)) as told:
                async for event in told:
                    yield event
        while self.ends is None:
            self._stage.turn()
            turn = self._turn = Turn(self._calls.toolbox, self._own, self._names, self._call.dialect, self._calls.asks)
            async with aclosing(self._ask(turn)) as told:
                async for event in told:
                    yield event
            stop = self._stop(turn)
            asked = self._asked = self._to_ask(turn, stop)
            for event in turn.released(asked):
                for seen in self._stage.tell(event):
                    yield seen
            calls = [call for call in turn.calls if call not in asked]
            self._called = bool(calls)
            if calls:
                async with aclosing(self._round(turn, calls, stop)) as told:
                    async for event in told:
                        yield event
            if asked and self._has_left:
                for event in self._give_up(turn):
                    yield event
            self.ends = self._end(turn, stop)

    @property
    def said(self) -> Sequence[Message]:
        """By the agent and its tools, the last turn included."""
        turn = self._turn
        return self._told if turn is None or self._called else [*self._told, turn.message]

    @property
    def waits(self) -> bool:
        """Whether the client is to answer."""
        turn = self._turn
        return turn is not None and bool(turn.clients or self._asked) and not turn.is_cut

    @property
    def _has_left(self) -> bool:
        return self._part is not None and self._part.left()

    async def _resume(self, answered: Answered) -> AsyncGenerator[Told, None]:
        """Before the model is asked: calls that a person has approved of, and those that they have not."""
        results = {result.call_id: result for result in answered.results or ()}
        due = [] if results else [call for call, _ in answered.calls]
        stop = self._count.reached(len(due)) if due else None
        if not self._reply.begun:
            self._reply.begun = True
            yield Started(dialect=self._spoken)
        for seen in self._shown(answered):
            yield seen
        said = {call.id: word for call, word in answered.calls}
        try:
            async with aclosing(self._made(due, partial(self._approved, said, stop), results)) as told:
                async for event in told:
                    yield event
        finally:
            if due:
                self._count.steps += 1
                came = [results.get(call.id) or result_of(call, failed(BROKEN_OFF)) for call in due]
                await asyncio.shield(self._book.came(self._exchange.principal.user_id, answered.token, came))
        self.came = list(results.values())
        messages = with_results(self._call.messages, self.came)
        self._call = msgspec.structs.replace(self._call, messages=messages)
        self.ends = self._end_of_tools(stop)

    @property
    def _spoken(self) -> str:
        """The dialect that the model will answer in, before it has; "" where that is not sure."""
        dialect, targets = self._call.dialect, self._plan.route.targets
        return dialect if all(dialect in target.provider.dialects for target in targets) else ""

    def _shown(self, answered: Answered) -> Iterator[Told]:
        """The calls, and what they have come to already."""
        for number, (call, _) in enumerate(answered.calls):
            block = msgspec.structs.replace(shown_call(call, self._calls.toolbox), approval="answered")
            yield from self._stage.tell(BlockStart(0, number, block))
            yield from self._stage.tell(BlockStop(0, number))
        for result in answered.results or ():
            yield from self._stage.result(result)

    async def _approved(self, said: Mapping[str, ApprovalResponse], stop: str | None, call: ToolCall) -> ToolOutcome:
        word = said[call.id]
        if not word.approve:
            return failed(f"The call was not made: {word.reason or REJECTED}")
        return await self._outcome(stop, call, approved=True)

    def _to_ask(self, turn: Turn, stop: str | None) -> Sequence[ToolCall]:
        """Calls that a person is asked about now; none that could not be made anyhow."""
        return [] if stop is not None else [call for call in turn.asking if arguments_of(call) is not None]

    def _give_up(self, turn: Turn) -> Iterator[Told]:
        """Calls that nobody is asked about, since another agent goes on."""
        for event in turn.released(()):
            yield from self._stage.tell(event)
        results = [result_of(call, failed(LEFT)) for call in self._asked]
        for result in results:
            yield from self._stage.result(result)
        self._asked = ()
        self._told = with_results(self._told, results)
        self._call = msgspec.structs.replace(self._call, messages=with_results(self._call.messages, results))

    async def _ask(self, turn: Turn) -> AsyncGenerator[Told, None]:
        """A turn of the model. Usage is told of the whole run."""
        spent = self._exchange.spent
        async with aclosing(self._replied()) as events:
            async for event in events:
                if isinstance(event, Started) and not self._reply.begun:
                    self._reply.begun = True
                    yield msgspec.structs.replace(event, id=None)
                for told in turn.take(event):
                    for seen in self._stage.tell(spent + told if isinstance(told, Usage) else told):
                        yield seen
        self._count.steps += 1
        yield self._exchange.spent

    async def _replied(self) -> AsyncGenerator[Told, None]:
        """Written down once it is whole; where it was before, nobody is asked."""
        asked = self._bounded()
        before = self._record.turn()
        if before is not None:
            for known in before:
                yield known
            return
        if self._is_unsafe:
            await self._record.unsafe()
        recording = self._record.recording()
        async with aclosing(self._exchange.ask(asked, self._plan.route)) as events:
            async for event in events:
                recording.take(event)
                yield event
        one = self._exchange
        await self._record.write(TurnStep(recording.events, one.spent, one.cost, one.calls))

    def _bounded(self) -> Call:
        """With no more output than the run may still write, where that is less than it would be otherwise."""
        call, left = self._call, self._count.tokens
        most = call.limits.max_output or self._plan.longest
        self._is_short = most is not None and left < most
        if not self._is_short:
            return call
        return msgspec.structs.replace(call, limits=msgspec.structs.replace(call.limits, max_output=max(1, int(left))))

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
            short = self._is_short and turn.finished.reason == "length"
            return Finished(reason="pause", detail="token_limit") if short else turn.finished
        if turn.clients:
            return msgspec.structs.replace(turn.finished, reason="tool_calls")
        if self._asked:
            return msgspec.structs.replace(turn.finished, reason="stop", detail=None)
        return self._end_of_tools(stop) if turn.calls else turn.finished

    def _end_of_tools(self, stop: str | None) -> Finished | None:
        """The same, behind a round of tools."""
        if stop is not None:
            return Finished(reason="pause", detail=stop)
        return Finished() if self._plan.quits or self._has_left else None

    async def _round(self, turn: Turn, calls: Sequence[ToolCall], stop: str | None) -> AsyncGenerator[Told, None]:
        """Tools, at once. What they come to goes to the client as it comes, to the model in the order of its calls."""
        results: dict[str, ToolResult] = {}
        first = self._count.take(len(calls) if stop is None else 0)
        self._numbers = {call.id: first + number for number, call in enumerate(calls)}
        for result in self._record.results():
            results[result.call_id] = result
            for event in self._stage.result(result):
                yield event
        due = [call for call in calls if call.id not in results]
        async with aclosing(self._made(due, partial(self._outcome, stop), results)) as told:
            async for event in told:
                yield event
        self._count.steps += 1
        self._said(turn.message, Message("tool", [results[call.id] for call in calls]))

    async def _made(
        self,
        calls: Sequence[ToolCall],
        outcome: Callable[[ToolCall], Coroutine[None, None, ToolOutcome]],
        results: dict[str, ToolResult],
    ) -> AsyncGenerator[Told, None]:
        """results: grows by what they come to."""
        tasks = {asyncio.ensure_future(outcome(call)): call for call in calls}
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
                        await self._record.write(ResultStep(results[call.id]))
                        for event in self._stage.result(results[call.id]):
                            yield event
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def _outcome(self, stop: str | None, call: ToolCall, approved: bool = False) -> ToolOutcome:
        if stop is not None:
            return failed(f"The call was not made: {WORDS[stop]}")
        number = self._numbers.get(call.id) or self._count.take(1)
        asker = asker_of(self._exchange, self._plan.agent, f"{self._exchange.id}_{number}", self._plan.author)
        return await self._calls.outcome(call, asker, self._count.seconds, approved)

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
        if turn is not None and self.waits and (self._asked or self._told or self._part):
            kept = token()
            names = {call.id: marked(kept, number) for number, call in enumerate(turn.clients)}
            names |= {call.id: marked(kept, number, asked=True) for number, call in enumerate(self._asked)}
            await self._keep(kept, [_renamed(message, names) for message in self.said])
        for event in turn.held(names) if turn is not None else ():
            for seen in self._stage.tell(event):
                yield seen
        for seen in self._stage.end():
            yield seen

    async def _keep(self, kept: str, said: Sequence[Message]) -> None:
        if self._part is None:
            await self._book.keep(self._exchange.principal.user_id, kept, said)
        else:
            await self._part.keep(kept, said)


def reply_of(exchange: Exchange, plan: Plan) -> Reply:
    return Reply(Names(exchange.reply_id), Stage(plan.output))


def _renamed(message: Message, names: Mapping[str, str]) -> Message:
    blocks = [
        msgspec.structs.replace(block, id=names.get(block.id, block.id)) if isinstance(block, ToolCall) else block
        for block in message.blocks
    ]
    return msgspec.structs.replace(message, blocks=blocks)
