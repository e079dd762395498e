"""One choice of a reply as parts of a candidate: as they come for a stream, at the end for a whole reply.

Function calls go out whole, once their arguments are; a signature goes on the part that it signs, or behind it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec

from gateway import (
    Audio,
    Block,
    BlockDelta,
    Citation,
    File,
    Finished,
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import functions, ids, logprobs, media, proofs
from .fields import nested


class Open(msgspec.Struct):
    """A block and what came for it."""

    block: Block
    pieces: list[str]
    proof: Opaque | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Choice(ABC):
    """finished: how it ended. cited: sources, each with its block. unread: arguments that are no JSON object.

    refused: there is a refusal in it.
    """

    def __init__(self, loss: Loss) -> None:
        self._loss = loss
        self._open: dict[int, Open] = {}
        self.finished: Finished | None = None
        self.cited: list[tuple[Citation, Open]] = []
        self.tokens: list[logprobs.Canonical] = []
        self.unread: str | None = None
        self.refused = False
        self._hidden: set[str] = set()

    def start(self, index: int, block: Block) -> list[Members]:
        if isinstance(block, ToolCall) and block.executor != "client":
            if block.executor == "gateway":
                self._hidden.add(block.id)  # a function call would be one for the client to run
            else:
                self._loss.add("ToolCall")
            return []
        if isinstance(block, ToolResult) and block.call_id in self._hidden:
            return []
        opened = self._open[index] = Open(block, [])
        if isinstance(block, ToolCall):
            opened.pieces.append(block.arguments)
            opened.proof = block.proof
            return []
        if isinstance(block, Text | Reasoning | Refusal):
            self.refused = self.refused or isinstance(block, Refusal)
            opened.proof = None if isinstance(block, Refusal) else block.proof
            return self._said(opened, block.text) if block.text else []
        return []

    def delta(self, delta: BlockDelta) -> list[Members]:
        opened = self._open.get(delta.index)
        if opened is None:
            return []
        if delta.proof is not None:
            opened.proof = delta.proof
        if delta.citation is not None:
            self._cite(delta.citation, opened)
        if delta.logprobs is not None:
            self._weigh(delta.logprobs)
        if not delta.text:
            return []
        if isinstance(opened.block, ToolCall):
            opened.pieces.append(delta.text)
            return []
        return self._said(opened, delta.text)

    def stop(self, index: int) -> list[Members]:
        opened = self._open.pop(index, None)
        if opened is None:
            return []
        match opened.block:
            case Text() | Reasoning() | Refusal():
                return self._ended(opened)
            case ToolCall():
                return self._call(opened, opened.block)
            case Image() | File() | Audio():
                return self._media(opened.block)
            case Opaque():
                return [proofs.carried(opened.block)]
        self._loss.add(type(opened.block).__name__)
        return []

    def close(self) -> list[Members]:
        """Blocks that were left open."""
        return [part for index in list(self._open) for part in self.stop(index)]

    @abstractmethod
    def _said(self, opened: Open, text: str) -> list[Members]:
        """More text of a block."""

    @abstractmethod
    def _ended(self, opened: Open) -> list[Members]:
        """A block of text is whole."""

    def _part(self, opened: Open, text: str) -> Members:
        thought: Members = {"thought": True} if isinstance(opened.block, Reasoning) else {}
        return {"text": text, **thought}

    def _extra(self, block: Text | Reasoning) -> Members:
        return nested(self._loss.keep(block.extra, type(block).__name__))

    def _call(self, opened: Open, call: ToolCall) -> list[Members]:
        """Arguments that are no object have no place in a call, and a call without its own is another one."""
        text = opened.text
        args = functions.json_object(text) if text.strip() else functions.EMPTY
        if call.kind == "custom":
            args = jsontext.raw({"input": text})
        if args is None:
            self.unread = text
            self._loss.add("ToolCall.arguments")
            return []
        signed = proofs.shown(opened.proof) if opened.proof is not None else {}
        part: Members = {"functionCall": {**ids.given(call.id), "name": call.name, "args": args}, **signed}
        more = nested(self._loss.keep(call.extra, "ToolCall"))
        return [jsontext.merged(part, {name: jsontext.raw(value) for name, value in more.items()})]

    def _media(self, block: media.Media) -> list[Members]:
        part = media.part(block)
        if part is None:
            self._loss.add(type(block).__name__)
            return []
        more = nested(self._loss.keep(block.extra, type(block).__name__))
        return [jsontext.merged(part, {name: jsontext.raw(value) for name, value in more.items()})]

    def _cite(self, citation: Citation, opened: Open) -> None:
        if citation.url:
            self.cited.append((citation, opened))
        else:
            self._loss.add("Citation")

    def _weigh(self, told: msgspec.Raw) -> None:
        found = logprobs.tokens(told)
        if found is None:
            self._loss.add("logprobs")
        else:
            self.tokens += found


class LiveChoice(Choice):
    """Text goes out as it comes; its signature follows it in a part of its own, as Gemini itself does it."""

    def _said(self, opened: Open, text: str) -> list[Members]:
        first = not opened.pieces
        opened.pieces.append(text)
        part = self._part(opened, text)
        if first and isinstance(opened.block, Text | Reasoning):
            part |= self._extra(opened.block)
        return [part]

    def _ended(self, opened: Open) -> list[Members]:
        return [self._part(opened, "") | proofs.shown(opened.proof)] if opened.proof is not None else []


class HeldChoice(Choice):
    """Everything of a block at once."""

    def _said(self, opened: Open, text: str) -> list[Members]:
        opened.pieces.append(text)
        return []

    def _ended(self, opened: Open) -> list[Members]:
        if not opened.pieces and opened.proof is None:
            return []
        part = self._part(opened, opened.text)
        if isinstance(opened.block, Text | Reasoning):
            part |= self._extra(opened.block)
        return [part | (proofs.shown(opened.proof) if opened.proof is not None else {})]
