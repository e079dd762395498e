"""Turn: one reply of the model within a run, as events for the client and as a message for the next turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec
from msgspec import Struct

from gateway import (
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Event,
    Finished,
    Idle,
    Message,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolCall,
    Usage,
)

from .toolbox import Toolbox, shown

Told = Event | Idle
_ID = re.compile(r"[A-Za-z0-9_-]{1,48}")


class Grown(Struct):
    """A block and what came for it. events: those that wait, of a call that is the client's or may be asked about."""

    block: Block
    pieces: list[str]
    events: list[BlockStart | BlockDelta | BlockStop] | None = None


class Names:
    """Ids of calls of one run, none of which comes twice, nor was in the conversation before: some upstreams number
    theirs anew in each reply. All are such as every dialect can write.
    """

    def __init__(self, stem: str) -> None:
        self._stem = stem
        self._taken: set[str] = set()

    def know(self, messages: Sequence[Message]) -> None:
        self._taken.update(block.id for one in messages for block in one.blocks if isinstance(block, ToolCall))

    def of(self, given: str) -> str:
        fits = _ID.fullmatch(given) and given not in self._taken
        name = given if fits else f"call_{self._stem}_{len(self._taken)}"
        self._taken.add(name)
        return name


def _never(name: str) -> bool:
    return False


class Turn:
    """own: names of tools that are the client's. asks: whether a person is asked about calls of a tool. Calls of both
    wait: of the first until it is known what goes before them, of the second until they are whole.
    """

    def __init__(
        self, toolbox: Toolbox, own: frozenset[str], names: Names, dialect: str, asks: Callable[[str], bool] = _never
    ) -> None:
        self._toolbox = toolbox
        self._own = own
        self._asks = asks
        self._names = names
        self._dialect = dialect
        self._foreign = False
        self._blocks: dict[int, Grown] = {}
        self.started: Started | None = None
        self.finished = Finished()

    def take(self, event: Told) -> Iterator[Told]:
        """What of it goes on; usage and how it ended are the run's to tell."""
        match event:
            case BlockStart():
                yield from self._start(event)
            case BlockDelta():
                yield from self._more(event)
            case BlockStop():
                yield from self._tell(event)
            case Started():
                self.started = event
                self._foreign = event.dialect != self._dialect
            case Finished():
                self.finished = event
            case Usage() | Idle():
                yield event

    @property
    def calls(self) -> list[ToolCall]:
        """The gateway's to run, whole, in the model's order; names as the model wrote them."""
        return [call for call in self._called if call.name not in self._own]

    @property
    def clients(self) -> list[ToolCall]:
        return [call for call in self._called if call.name in self._own]

    @property
    def asking(self) -> list[ToolCall]:
        """Of the gateway's, those that a person may be asked about."""
        return [call for call in self.calls if self._asks(call.name)]

    @property
    def is_cut(self) -> bool:
        """Whether it ended before the model was done, so that what it calls may not be whole."""
        return self.finished.reason not in ("tool_calls", "stop", "stop_sequence")

    @property
    def message(self) -> Message:
        return Message("assistant", [_whole(grown) for _, grown in sorted(self._blocks.items())])

    def released(self, asked: Sequence[ToolCall]) -> Iterator[Told]:
        """Calls that waited, and that nobody is asked about after all."""
        waiting = {call.id for call in asked}
        for grown in self._blocks.values():
            block = grown.block
            if isinstance(block, ToolCall) and block.name not in self._own and block.id not in waiting:
                events, grown.events = grown.events, None
                yield from events or ()

    def held(self, names: dict[str, str]) -> Iterator[Told]:
        """The client's calls, which waited, and those that a person is asked about. names: ids that they have from now
        on.
        """
        for index, grown in self._blocks.items():
            block = grown.block
            if grown.events is None or not isinstance(block, ToolCall):
                continue
            name = names.get(block.id, block.id)
            if block.name in self._own:
                yield from _renamed(grown.events, name)
            else:
                asked = shown_call(_called(grown, block), self._toolbox)
                yield BlockStart(0, index, msgspec.structs.replace(asked, id=name, approval="asked", proof=None))
                yield BlockStop(0, index)

    @property
    def _called(self) -> Iterator[ToolCall]:
        """Without what an upstream runs itself."""
        for _, grown in sorted(self._blocks.items()):
            block = _whole(grown)
            if isinstance(block, ToolCall) and block.executor == "client":
                yield block

    def _start(self, event: BlockStart) -> Iterator[Told]:
        block = event.block
        if event.choice:
            return
        if not isinstance(block, ToolCall) or block.executor != "client":
            self._blocks[event.index] = Grown(self._kept(block), [_said(block)])
            yield event
            return
        block = msgspec.structs.replace(block, id=self._names.of(block.id))
        grown = self._blocks[event.index] = Grown(self._kept(block), [block.arguments])
        if block.name in self._own:
            grown.events = [BlockStart(0, event.index, block)]
        elif self._asks(block.name):
            grown.events = [BlockStart(0, event.index, shown_call(block, self._toolbox))]
        else:
            yield BlockStart(0, event.index, shown_call(block, self._toolbox))

    def _more(self, event: BlockDelta) -> Iterator[Told]:
        grown = self._blocks.get(event.index)
        if grown is None or event.choice:
            return
        grown.pieces.append(event.text)
        if event.proof is not None and isinstance(grown.block, Text | Reasoning | ToolCall):
            grown.block.proof = event.proof
        yield from self._tell(event)

    def _tell(self, event: BlockDelta | BlockStop) -> Iterator[Told]:
        grown = self._blocks.get(event.index)
        if grown is None or event.choice:
            return
        if grown.events is not None:
            grown.events.append(event)
        else:
            yield event

    def _kept(self, block: Block) -> Block:
        """A copy for the next turn. Members of another dialect than the call's would be taken for that one's."""
        if self._foreign and isinstance(block, Text | Reasoning | ToolCall) and block.extra:
            return msgspec.structs.replace(block, extra={})
        return msgspec.structs.replace(block)


def shown_call(call: ToolCall, toolbox: Toolbox) -> ToolCall:
    """One of the gateway's, as clients see it."""
    found = toolbox.get(call.name)
    server, name = shown(found[1]) if found is not None else ("", call.name)
    return msgspec.structs.replace(call, executor="gateway", server=server, name=name)


def _renamed(events: Sequence[BlockStart | BlockDelta | BlockStop], name: str) -> Iterator[Told]:
    for event in events:
        if isinstance(event, BlockStart) and isinstance(event.block, ToolCall):
            event = BlockStart(event.choice, event.index, msgspec.structs.replace(event.block, id=name))
        yield event


def _said(block: Block) -> str:
    if isinstance(block, ToolCall):
        return block.arguments
    return block.text if isinstance(block, Text | Refusal | Reasoning) else ""


def _called(grown: Grown, call: ToolCall) -> ToolCall:
    return msgspec.structs.replace(call, arguments="".join(grown.pieces))


def _whole(grown: Grown) -> Block:
    block, said = grown.block, "".join(grown.pieces)
    if isinstance(block, ToolCall):
        return _called(grown, block)
    if isinstance(block, Text | Refusal | Reasoning):
        return msgspec.structs.replace(block, text=said)
    return block
