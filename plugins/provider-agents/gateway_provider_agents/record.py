"""Record: what a run writes down of itself, turn by turn, and what it finds where another process began it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

import msgspec

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Exchange,
    Finished,
    Idle,
    Started,
    Steps,
    ToolResult,
    Usage,
)
from gateway.wire.jsontext import UNREADABLE, encode, mended

from .turn import Told

Kept = Started | BlockStart | BlockDelta | BlockStop | Usage | Finished


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """Nothing has been asked yet."""


class TurnStep(msgspec.Struct, frozen=True, tag="turn"):
    """A reply of the model, as the run took it. spent, cost, calls: of the run until then, subagents included."""

    events: list[Kept]
    spent: Usage
    cost: int
    calls: int = 0


class ResultStep(msgspec.Struct, frozen=True, tag="result"):
    """What a call of the turn before came to. It is told to the client after this."""

    result: ToolResult


Step = Begun | TurnStep | ResultStep
_STEP = msgspec.json.Decoder(Step)


class Record:
    """Where the exchange has no steps, nothing is written and nothing found. lasts: whether calls that change something
    are known after a crash, without which nobody could go on.
    """

    def __init__(self, exchange: Exchange, lasts: bool) -> None:
        self._exchange = exchange
        self._steps: Steps | None = exchange.steps if lasts else None
        before = self._steps.before if self._steps is not None else ()
        self._before = deque(_read(step) for step in before if step)
        self.resumes = bool(self._before)

    async def begin(self) -> None:
        """Before anything is asked. Raises Unavailable and Conflict."""
        if self.resumes:
            self._before.popleft()
            self._caught_up()
        else:
            await self.write(Begun())

    async def write(self, step: Step) -> None:
        """Raises Unavailable and Conflict."""
        if self._steps is not None:
            self._steps.unsafe = self._steps.unsafe and not isinstance(step, TurnStep)
            await self._steps.write(encode(step), safe=not self._steps.unsafe)

    async def unsafe(self) -> None:
        """What is asked now may change something by itself: once it is asked, it is not asked again."""
        if self._steps is not None:
            await self._steps.write(b"", safe=False)

    def turn(self) -> Iterator[Kept] | None:
        """The reply that came before; None where the model is to be asked."""
        if not self._before:
            return None
        step = self._before[0]
        assert isinstance(step, TurnStep)
        return self._replayed(step)

    def results(self) -> Iterator[ToolResult]:
        """Those of the turn that are known."""
        while self._before and isinstance(step := self._before[0], ResultStep):
            self._before.popleft()
            self._caught_up()
            yield step.result

    def _replayed(self, step: TurnStep) -> Iterator[Kept]:
        yield from step.events
        exchange = self._exchange
        exchange.spent, exchange.cost = step.spent, step.cost
        exchange.calls = max(exchange.calls, step.calls)
        if exchange.attempts:
            exchange.attempts[-1].usage = step.spent
        self._before.popleft()
        self._caught_up()

    def _caught_up(self) -> None:
        if not self._before and self._steps is not None:
            self._steps.live()

    def recording(self) -> Recording:
        return Recording(self._steps is not None)


class Recording:
    """Of one reply. Text that comes in pieces is kept in one."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self.events: list[Kept] = []

    def take(self, event: Told) -> None:
        if not self._wanted or isinstance(event, Idle):
            return
        last = self.events[-1] if self.events else None
        if isinstance(event, BlockDelta) and isinstance(last, BlockDelta) and _is_more(last, event):
            last.text += event.text
        elif isinstance(event, Started):
            self.events.append(msgspec.structs.replace(event, created=event.created or int(time.time())))
        elif isinstance(event, BlockStart):
            self.events.append(msgspec.structs.replace(event, block=msgspec.structs.replace(event.block)))
        elif isinstance(event, BlockDelta | BlockStop | Usage | Finished):
            self.events.append(msgspec.structs.replace(event))


def _is_more(last: BlockDelta, event: BlockDelta) -> bool:
    """Whether both are text of one block and nothing besides."""
    plain = all(one.logprobs is None and one.citation is None and one.proof is None for one in (last, event))
    return plain and (last.choice, last.index) == (event.choice, event.index)


def _read(step: bytes) -> Step:
    try:
        return _STEP.decode(step)
    except UNREADABLE:
        return _STEP.decode(mended(step))
