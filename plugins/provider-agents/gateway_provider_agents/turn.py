"""Turn: one reply of the model within a run, as events for the client and as a message for the next turn."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    """A block and what came for it. events: those that wait, of a call that is the client's."""

    block: Block
    pieces: list[str]
    events: list[BlockStart | BlockDelta | BlockStop] | None = None


class Names:
    """Ids of calls of one run, none of which comes twice: some upstreams number theirs anew in each reply. All are such
    as every dialect can write.
    """

    def __init__(self, stem: str) -> None:
        self._stem = stem
        self._taken: set[str] = set()

    def of(self, given: str) -> str:
        fits = _ID.fullmatch(given) and given not in self._taken
        name = given if fits else f"call_{self._stem}_{len(self._taken)}"
        self._taken.add(name)
        return name


class Turn:
    """own: names of tools that are the client's. Calls of those wait until it is known what goes before them."""

    def __init__(self, toolbox: Toolbox, own: frozenset[str], names: Names, dialect: str) -> None:
        self._toolbox = toolbox
        self._own = own
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
    def is_cut(self) -> bool:
        """Whether it ended before the model was done, so that what it calls may not be whole."""
        return self.finished.reason not in ("tool_calls", "stop", "stop_sequence")

    @property
    def message(self) -> Message:
        return Message("assistant", [_whole(grown) for _, grown in sorted(self._blocks.items())])

    def held(self, names: dict[str, str]) -> Iterator[Told]:
        """The client's calls, which waited. names: ids that they have from now on."""
        for grown in self._blocks.values():
            for event in grown.events or ():
                if isinstance(event, BlockStart) and isinstance(event.block, ToolCall):
                    block = msgspec.structs.replace(event.block, id=names.get(event.block.id, event.block.id))
                    event = BlockStart(event.choice, event.index, block)
                yield event

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
        else:
            yield BlockStart(0, event.index, self._shown(block))

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

    def _shown(self, call: ToolCall) -> ToolCall:
        found = self._toolbox.get(call.name)
        server, name = shown(found[1]) if found is not None else ("", call.name)
        return msgspec.structs.replace(call, executor="gateway", server=server, name=name)


def _said(block: Block) -> str:
    if isinstance(block, ToolCall):
        return block.arguments
    return block.text if isinstance(block, Text | Refusal | Reasoning) else ""


def _whole(grown: Grown) -> Block:
    block, said = grown.block, "".join(grown.pieces)
    if isinstance(block, ToolCall):
        return msgspec.structs.replace(block, arguments=said)
    if isinstance(block, Text | Refusal | Reasoning):
        return msgspec.structs.replace(block, text=said)
    return block
