"""Items of `output` while they grow."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

import msgspec
from msgspec import Raw, UnsetType

from gateway import Block, Image, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult, carrier
from gateway.wire.jsontext import raw

from . import proofs
from .members import NAME, PICTURE, spliced
from .parts import (
    ArgumentsPart,
    Events,
    InputPart,
    OpaquePart,
    OpenAIThoughtPart,
    Part,
    RefusalPart,
    SummaryPart,
    TextPart,
    ThoughtPart,
)

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class _Message(msgspec.Struct, tag="message"):
    id: str
    status: str
    role: str
    content: list[Raw]
    phase: Raw | UnsetType = msgspec.UNSET


class _Call(msgspec.Struct, tag="function_call"):
    id: str
    call_id: str
    name: str
    arguments: str
    status: str


class _CustomCall(msgspec.Struct, tag="custom_tool_call"):
    id: str
    call_id: str
    name: str
    input: str
    status: str


class _Output(msgspec.Struct, tag="function_call_output"):
    id: str
    call_id: str
    output: str
    status: str


class _Picture(msgspec.Struct, tag=PICTURE):
    id: str
    status: str
    result: str | None
    output_format: str | UnsetType = msgspec.UNSET


class _Reasoning(msgspec.Struct, tag="reasoning"):
    """`status`: the specification's prose requires it of every item; its schema does not know it here."""

    id: str
    summary: list[Raw]
    status: str
    content: list[Raw] | UnsetType = msgspec.UNSET
    encrypted_content: Raw | UnsetType = msgspec.UNSET


class Item(ABC):
    """index: its `output_index`. seed: what the reply's ids are made from."""

    def __init__(self, prefix: str, index: int, seed: str) -> None:
        self.index = index
        self.id = f"{prefix}_{seed}_{index}"
        self.parts: list[Part] = []
        self.done = False
        self._live = 0

    @property
    def busy(self) -> bool:
        """Parts are closed one after the other, but for odd upstreams."""
        while self._live < len(self.parts) and not self.parts[self._live].open:
            self._live += 1
        return self._live < len(self.parts)

    def begun(self) -> Events:
        """What is told right behind its beginning."""
        return []

    def closing(self, whole: bool) -> Events:
        """What is told right before its end, where the reply's end is its own. whole: whether the reply is."""
        return []

    def takes(self, block: Block) -> bool:
        """Whether a further block belongs to this item."""
        return False

    def part(self, block: Block) -> Part | None:
        """Begins the part that a block is; None where the item comes whole."""
        return None

    @abstractmethod
    def value(self, status: str) -> Raw: ...


class MessageItem(Item):
    """Text and refusals in a row, of one phase."""

    def __init__(self, index: int, seed: str, block: Text | Refusal | Opaque) -> None:
        super().__init__("msg", index, seed)
        self._phase = _phase(block)

    def takes(self, block: Block) -> bool:
        if isinstance(block, Opaque):
            return is_part(block)
        return isinstance(block, (Text, Refusal)) and _phase(block) == self._phase

    def part(self, block: Block) -> Part:
        if isinstance(block, Opaque):
            self.parts.append(OpaquePart(self.id, self.index, len(self.parts), block))
            return self.parts[-1]
        kind = TextPart if isinstance(block, Text) else RefusalPart
        self.parts.append(kind(self.id, self.index, len(self.parts)))
        return self.parts[-1]

    def value(self, status: str) -> Raw:
        phase = msgspec.UNSET if self._phase is None else Raw(self._phase)
        return raw(_Message(self.id, status, "assistant", [part.value() for part in self.parts], phase))


class ReasoningItem(Item):
    """Thoughts, summaries of them and the proof. openai: whose names their events have."""

    def __init__(self, index: int, seed: str, block: Reasoning, openai: bool) -> None:
        super().__init__("rs", index, seed)
        self._source = block.id
        self._openai = openai
        self._counts = {True: 0, False: 0}
        self._proof: Raw | None = None
        # A proof is of the item under its own name.
        if block.id and block.id.startswith("rs_") and _ID.fullmatch(block.id):
            self.id = block.id

    def takes(self, block: Block) -> bool:
        return isinstance(block, Reasoning) and block.id is not None and block.id == self._source

    def part(self, block: Block) -> Part:
        summary = isinstance(block, Reasoning) and block.summary
        kind = SummaryPart if summary else OpenAIThoughtPart if self._openai else ThoughtPart
        self.parts.append(kind(self.id, self.index, self._counts[summary]))
        self._counts[summary] += 1
        return self.parts[-1]

    def prove(self, proof: Opaque) -> None:
        self._proof = proofs.secret(proof)

    def value(self, status: str) -> Raw:
        content = [part.value() for part in self.parts if not isinstance(part, SummaryPart) and part.text]
        return raw(
            _Reasoning(
                self.id,
                [part.value() for part in self.parts if isinstance(part, SummaryPart)],
                status,
                content or msgspec.UNSET,
                self._proof or msgspec.UNSET,
            )
        )


class CallItem(Item):
    def __init__(self, index: int, seed: str, block: ToolCall) -> None:
        super().__init__("fc" if block.kind == "function" else "ctc", index, seed)
        self._call = block
        if block.item_id and _ID.fullmatch(block.item_id):
            self.id = block.item_id

    def part(self, block: Block) -> Part:
        kind = ArgumentsPart if self._call.kind == "function" else InputPart
        self.parts.append(kind(self.id, self.index, 0))
        return self.parts[-1]

    def value(self, status: str) -> Raw:
        said = self.parts[0].text if self.parts else ""
        kind = _Call if self._call.kind == "function" else _CustomCall
        return spliced(kind(self.id, self._call.id, self._call.name, said, status), self._call.extra)


class CarrierItem(Item):
    """State that has no item of its own: of the text or call that stands before it, or of another dialect."""

    def __init__(self, index: int, seed: str, state: Opaque) -> None:
        super().__init__("rs", index, seed)
        self._state = state

    def value(self, status: str) -> Raw:
        return raw(_Reasoning(self.id, [], status, encrypted_content=raw(carrier.pack(self._state))))


class PictureItem(Item):
    """What a model of another dialect drew, as OpenAI's own tool would have."""

    def __init__(self, index: int, seed: str, block: Image) -> None:
        super().__init__("ig", index, seed)
        self._block = block

    def value(self, status: str) -> Raw:
        if status == "in_progress":
            return raw(_Picture(self.id, status, None))
        form = (self._block.media_type or "image/png").removeprefix("image/")
        return raw(_Picture(self.id, "completed", self._block.data, form))


class WholeItem(Item):
    """What comes in one piece: a result of a tool, or a hosted tool's item as its maker wrote it."""

    def __init__(self, index: int, seed: str, block: ToolResult | Opaque) -> None:
        super().__init__("fco", index, seed)
        self._block = block

    def value(self, status: str) -> Raw:
        if isinstance(self._block, Opaque):
            return proofs.hidden(self._block)
        said = "".join(part.text for part in self._block.blocks if isinstance(part, Text))
        return raw(_Output(self.id, self._block.call_id, said, status))


def new_item(index: int, seed: str, block: Block, openai: bool) -> Item | None:
    """None where Responses has no item for such a block; the specification has none for pictures."""
    if isinstance(block, (Text, Refusal)) or (isinstance(block, Opaque) and is_part(block)):
        return MessageItem(index, seed, block)
    if isinstance(block, Reasoning):
        return ReasoningItem(index, seed, block, openai)
    if isinstance(block, ToolCall):
        return CallItem(index, seed, block)
    if isinstance(block, Image):
        return PictureItem(index, seed, block) if openai and block.data is not None else None
    if isinstance(block, Opaque) and not is_item(block):
        return CarrierItem(index, seed, block)
    return WholeItem(index, seed, block) if isinstance(block, ToolResult | Opaque) else None


def is_shown(state: Opaque) -> bool:
    """Whether clients read it as what it is."""
    return is_item(state) or is_part(state)


def is_part(state: Opaque) -> bool:
    """Whether clients read it as a part of a message."""
    return state.dialect == NAME and state.form == "part"


def is_item(state: Opaque) -> bool:
    """Whether clients read it as an item."""
    return state.dialect == NAME and state.form == proofs.ITEM


def _phase(block: Block) -> bytes | None:
    return bytes(block.extra["phase"]) if isinstance(block, Text) and "phase" in block.extra else None
