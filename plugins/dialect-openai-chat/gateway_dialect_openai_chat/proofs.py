"""Opaque state in a message: OpenRouter's `reasoning_details`, Google's `extra_content`, and what rides in them.

A client's slot for proofs is `reasoning_details`. State of another dialect or of a known upstream rides there, packed:
`{"type": "reasoning.encrypted", "data": …, "id": …, "index": n}`. Its `id` is that of the tool call it belongs to, or
`thought-N` for the N characters of reasoning that end there, or absent for state of the message's text.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from gateway import Block, Opaque, Reasoning, Text, ToolCall, carrier
from gateway.wire import jsontext
from gateway.wire.jsontext import Members

NAME = "openai-chat"
DETAILS = "reasoning_details"
"""Opaque.form of OpenRouter's list of that name."""
CONTENT = "extra_content"
"""Google's member of tool calls and messages; the payload of a proof whose form is `call` or `text`."""

_THOUGHT = re.compile(r"thought-(\d{1,9})")
_ITEMS = msgspec.json.Decoder(list[Raw])


Proved = Reasoning | Text | ToolCall | Opaque


def provable(block: Block) -> Proved | None:
    """The block, where state may belong to it, or be it, in a reply to a client."""
    if isinstance(block, ToolCall) and block.executor != "client":
        return None
    return block if isinstance(block, Proved) else None


def of(block: Block) -> Opaque | None:
    """The state that a block brings from its start."""
    if isinstance(block, Opaque):
        return block
    return block.proof if isinstance(block, Reasoning | Text | ToolCall) else None


class DetailWriter:
    """Proofs of one choice as lists of details, numbered throughout."""

    def __init__(self) -> None:
        self._next = 0
        self._thought = 0

    def thought(self, text: str) -> None:
        """Reasoning that is shown: the next proof of reasoning is of it."""
        self._thought += len(text)

    def write(self, proof: Opaque, block: Proved) -> Raw:
        if carrier.native(proof, NAME) and proof.form == DETAILS and jsontext.first(proof.payload) == b"[":
            self._next += len(_items(proof.payload) or ())
            return proof.payload
        detail: Members = {"type": "reasoning.encrypted", "data": carrier.pack(proof)}
        if (identity := self._identity(block)) is not None:
            detail["id"] = identity
        detail["index"] = self._next
        self._next += 1
        return jsontext.raw([detail])

    def _identity(self, block: Proved) -> str | None:
        if isinstance(block, ToolCall):
            return block.id
        if isinstance(block, Text):
            return None
        length, self._thought = self._thought, 0
        return f"thought-{length}"


class Carried(msgspec.Struct):
    """What a client brought back. thoughts: proofs of reasoning, each with the length of its text; None where it is
    not said. calls: by the call's id, "" for the last one. own: the list without all these.
    """

    thoughts: list[tuple[Opaque, int | None]] = []
    calls: dict[str, Opaque] = {}
    text: Opaque | None = None
    own: Raw | None = None


class _Detail(msgspec.Struct):
    data: object = None
    id: object = None


_DETAIL = msgspec.json.Decoder(_Detail)


def read(details: Raw | None) -> Carried:
    """A client's `reasoning_details`; what is no list of objects is its own word."""
    found = Carried(own=details)
    items = _items(details) if details is not None else None
    if items is None:
        return found
    rest = [item for item in items if not _take(item, found)]
    if len(rest) < len(items):
        found.own = jsontext.raw(rest) if rest else None
    return found


def _take(item: Raw, into: Carried) -> bool:
    """Whether it is a carrier; it is unpacked then."""
    try:
        detail = _DETAIL.decode(item)
    except jsontext.UNREADABLE:
        return False
    state = carrier.unpack(detail.data) if isinstance(detail.data, str) else None
    if state is None:
        return False
    identity = detail.id if isinstance(detail.id, str) else ""
    if state.form == "call":
        into.calls[identity] = state
    elif state.form == "text":
        into.text = state
    else:
        length = _THOUGHT.fullmatch(identity)
        into.thoughts.append((state, int(length[1]) if length else None))
    return True


def thoughts(text: str, carried: Carried) -> list[Reasoning]:
    """Reasoning in blocks as it was given, each with its proof.

    A text that is not as long as it was (clients trim) goes whole to the first.
    """
    lengths = [length for _, length in carried.thoughts if length is not None]
    if not text or len(lengths) != len(carried.thoughts) or sum(lengths) > len(text):
        lengths = [len(text)] * len(carried.thoughts)
    blocks, at = [], 0
    for (proof, _), length in zip(carried.thoughts, lengths, strict=True):
        blocks.append(Reasoning(text[at : at + length], proof=proof))
        at += length
    own = Opaque(NAME, DETAILS, carried.own) if carried.own is not None else None
    return [*blocks, Reasoning(text[at:], proof=own)] if text[at:] or own else blocks


def signed(content: Raw) -> bool:
    """Whether an `extra_content` holds a thought's signature."""
    google = jsontext.members(content).get("google")
    return google is not None and "thought_signature" in jsontext.members(google)


def _items(value: Raw) -> list[Raw] | None:
    try:
        return _ITEMS.decode(value)
    except jsontext.UNREADABLE:
        return None
