"""Stage: what of a run its client sees, as the blocks of one reply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from gateway import Block, BlockDelta, BlockStart, BlockStop, ToolCall, ToolResult

from .turn import Told

Output = Literal["all", "text", "final"]


class Stage:
    """output: `all`, `text` (what the model says, without tools), `final` (the last turn alone, once it is whole).

    hushed: whether it is the last turn's words alone that are told, and tools as ever.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self.hushed = False
        self._count = 0
        self._numbers: dict[int, int] = {}
        self._waiting: list[Told] = []

    def turn(self) -> None:
        """Another reply of the model begins; its blocks are numbered from 0 again. What waited is never told."""
        self._numbers = {}
        self._waiting = []

    def inner(self) -> Stage:
        """One like it, whose events are told on this one as those of a turn."""
        return Stage(self._output)

    def tell(self, event: Told) -> Iterator[Told]:
        if self._waits(event):
            self._waiting.append(event)
        else:
            yield from self._numbered(event)

    def end(self) -> Iterator[Told]:
        """The turn is the last one."""
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            yield from self._numbered(event)

    def result(self, result: ToolResult) -> Iterator[Told]:
        if self._output == "all":
            index, self._count = self._count, self._count + 1
            yield BlockStart(0, index, result)
            yield BlockStop(0, index)

    def _waits(self, event: Told) -> bool:
        if not self.hushed and self._output != "final":
            return False
        if isinstance(event, BlockStart):
            return self._output == "final" or not _is_of_tools(event.block)
        return isinstance(event, BlockDelta | BlockStop) and event.index not in self._numbers

    def _numbered(self, event: Told) -> Iterator[Told]:
        if isinstance(event, BlockStart):
            block = event.block
            if self._output == "all" or not _is_run(block):
                self._numbers[event.index], self._count = self._count, self._count + 1
                yield BlockStart(0, self._numbers[event.index], block)
        elif isinstance(event, BlockDelta | BlockStop):
            number = self._numbers.get(event.index)
            if number is not None:
                yield msgspec.structs.replace(event, index=number)
        else:
            yield event


def _is_of_tools(block: Block) -> bool:
    """What the gateway runs, and what that comes to."""
    return isinstance(block, ToolResult) or _is_run(block)


def _is_run(block: Block) -> bool:
    """By the gateway. What a person is asked about is for them to see."""
    return isinstance(block, ToolCall) and block.executor == "gateway" and block.approval != "asked"
