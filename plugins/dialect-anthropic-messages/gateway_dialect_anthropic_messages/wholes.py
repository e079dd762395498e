"""Events to one message. Source: Anthropic, "Create a Message"."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import (
    Block,
    BlockDelta,
    BlockStart,
    Call,
    Citation,
    Encoder,
    Event,
    Failed,
    Finished,
    GatewayError,
    Opaque,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import inputs, ran, refusals, shown, state, usages
from .names import NAME


class _Grown(msgspec.Struct):
    """A block and what came for it."""

    block: Block
    pieces: list[str] = []
    citations: list[Citation] = []
    proof: Opaque | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class WholeEncoder(Encoder):
    content_type = "application/json"

    def __init__(self, call: Call) -> None:
        self._loss = Loss()
        self.loss = self._loss.paths
        self._model = call.model
        self._started = Started()
        self._blocks: dict[int, _Grown] = {}
        self._finished = Finished()
        self._usage: Usage | None = None
        self._failed: GatewayError | None = None
        self._ran: dict[str, str] = {}

    def encode(self, event: Event) -> bytes:
        match event:
            case BlockDelta():
                self._delta(event)
            case BlockStart():
                self._start(event)
            case Started():
                self._started = event
                self._loss.own = event.dialect == NAME
            case Usage():
                self._usage = event
            case Finished():
                self._end(event)
            case Failed():
                self._failed = event.error
        return b""

    def fail(self, error: GatewayError) -> bytes:
        self._failed = error
        return refusals.encode(error)

    def finish(self) -> bytes:
        if self._failed is not None:
            return refusals.encode(self._failed)
        finished = self._finished
        extra = dict(self._loss.keep(finished.extra, ""))
        counts = jsontext.merged(usages.written(self._usage), jsontext.members(extra.pop("usage", jsontext.NULL)))
        out = shown.message(self._started, self._model, counts, self._loss)
        out["content"] = [part for _, grown in sorted(self._blocks.items()) for part in self._parts(grown)]
        refused = any(isinstance(grown.block, Refusal) for grown in self._blocks.values())
        called = any(_is_for_client(grown.block) for grown in self._blocks.values())
        out |= shown.ending(finished, self._loss.own, refused, called)
        return jsontext.encode({**out, **extra})

    def _end(self, finished: Finished) -> None:
        if finished.choice:
            self._loss.add("choices")
        else:
            self._finished = finished

    def _start(self, start: BlockStart) -> None:
        block = start.block
        if start.choice:
            self._loss.add("choices")
            return
        grown = _Grown(block, [], [])
        if isinstance(block, Text | Refusal | Reasoning):
            grown.pieces.append(block.text)
        elif isinstance(block, ToolCall):
            grown.pieces.append(block.arguments)
        if isinstance(block, Text | Reasoning | ToolCall):
            grown.proof = block.proof
        self._blocks[start.index] = grown

    def _delta(self, delta: BlockDelta) -> None:
        grown = self._blocks.get(delta.index)
        if delta.choice or grown is None:
            return
        if delta.text:
            grown.pieces.append(delta.text)
        if delta.citation is not None:
            grown.citations.append(delta.citation)
        if delta.proof is not None:
            grown.proof = delta.proof
        if delta.logprobs is not None:
            self._loss.add("logprobs")

    def _parts(self, grown: _Grown) -> list[Members | Raw]:
        block = grown.block
        if isinstance(block, Text | Refusal):
            return self._prose(block, grown)
        if isinstance(block, Reasoning):
            return self._thinking(block, grown)
        if isinstance(block, ToolCall) and _is_for_client(block):
            return [self._call(block, grown), *_behind(grown)]
        if isinstance(block, ToolCall):
            self._ran[block.id] = ran.shown(block)
            return [self._running(block, grown), *_behind(grown)]
        if isinstance(block, ToolResult) and block.call_id in self._ran:
            return [ran.result(block, self._ran[block.call_id], self._loss)]
        if isinstance(block, Opaque):
            return [shown.opaque(block)]
        shown.untold(block, self._loss)
        return []

    def _prose(self, block: Text | Refusal, grown: _Grown) -> list[Members | Raw]:
        text = grown.text
        cited = [shown.citation(citation, text, self._loss) for citation in grown.citations]
        citations = [citation for citation in cited if citation is not None]
        out: Members = {"type": "text", "text": text}
        if citations:
            out["citations"] = citations
        if isinstance(block, Text):
            out |= self._loss.keep(block.extra, "Text")
        return [*([out] if text or citations else []), *_behind(grown)]

    def _thinking(self, block: Reasoning, grown: _Grown) -> list[Members | Raw]:
        proof, text = grown.proof, grown.text
        extra = self._loss.keep(block.extra, "Reasoning")
        redacted = state.is_redacted(proof)
        out: list[Members | Raw] = []
        if text or (proof is not None and not redacted):
            signature = state.shown_signature(proof) if proof is not None and not redacted else ""
            out.append({"type": "thinking", "thinking": text, "signature": signature, **extra})
        if proof is not None and redacted:
            out.append({**shown.carried(proof), **extra})
        return out

    def _running(self, block: ToolCall, grown: _Grown) -> Members:
        return {**ran.use(block, self._input(block, grown)), **self._loss.keep(block.extra, "ToolCall")}

    def _input(self, block: ToolCall, grown: _Grown) -> object:
        given, whole = inputs.of(block.kind, grown.text)
        if not whole:
            self._loss.add("ToolCall.arguments")
        return given

    def _call(self, block: ToolCall, grown: _Grown) -> Members:
        given = self._input(block, grown)
        out: Members = {"type": "tool_use", "id": block.id, "name": block.name, "input": given}
        return {**out, **self._loss.keep(block.extra, "ToolCall")}


def _behind(grown: _Grown) -> list[Members]:
    """A proof that this block has no slot for goes into a block of its own."""
    return [] if grown.proof is None else [shown.carried(grown.proof)]


def _is_for_client(block: object) -> bool:
    return isinstance(block, ToolCall) and block.executor == "client"
