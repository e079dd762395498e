"""Events to a reply: one JSON text, or LettaBot's events, `data: {json}` each.

Source: LettaBot `src/api/server.ts`, which passes on what the Letta Code SDK gives: `init`, `reasoning`, `assistant`,
`tool_call`, `tool_result`, `result`, `error`. Pieces of one block have the same `uuid`.
"""

from __future__ import annotations

from gateway import (
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Encoder,
    Event,
    Finished,
    GatewayError,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    sse,
)
from gateway.wire import jsontext
from gateway.wire.losses import Loss

from .answers import Assistant, Chat, Counts, Init, Result, Thought, Told, ToolAnswered, ToolCalled, Wrong
from .names import EVENTS

_PROSE = (Text, Refusal, Reasoning)
_QUIET = b": still here\n\n"


class _ReplyEncoder(Encoder):
    """What both framings share: one choice, its end and its usage."""

    def __init__(self) -> None:
        self._loss = Loss()
        self.loss = self._loss.paths
        self._blocks: dict[int, Block] = {}
        self._finished = Finished()
        self._usage: Usage | None = None

    def _note(self, event: Event) -> None:
        match event:
            case Usage():
                self._usage = event
            case Finished(choice=0):
                self._finished = event
                self._loss.lose(event.extra)
            case BlockStart(choice=0):
                self._blocks[event.index] = event.block
                if not isinstance(event.block, (*_PROSE, ToolCall, ToolResult)):
                    self._loss.add(type(event.block).__name__)
            case BlockStart():
                self._loss.add("choices")
            case BlockDelta(choice=0):
                self._note_delta(event)

    def _note_delta(self, delta: BlockDelta) -> None:
        for name in ("logprobs", "citation", "proof"):
            if getattr(delta, name) is not None:
                self._loss.add(name)


class WholeEncoder(_ReplyEncoder):
    """What the agent said; its thoughts and its tools are in streams alone."""

    content_type = "application/json"

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._agent = call.model
        self._said: list[str] = []

    def encode(self, event: Event) -> bytes:
        self._note(event)
        if isinstance(event, BlockStart | BlockDelta) and event.choice == 0:
            block = self._blocks[event.index]
            if isinstance(block, Text | Refusal):
                self._said.append(block.text if isinstance(event, BlockStart) else event.text)
        return b""

    def fail(self, error: GatewayError) -> bytes:
        return jsontext.encode({"success": False, "error": error.public})

    def finish(self) -> bytes:
        usage = Counts.of(self._usage)
        return jsontext.encode(Chat(True, "".join(self._said), self._agent, self._finished.reason, usage))


class StreamEncoder(_ReplyEncoder):
    """A call of a tool is told once its arguments are whole, as LettaBot tells it."""

    content_type = EVENTS

    def __init__(self) -> None:
        super().__init__()
        self._id = ""
        self._texts: dict[int, list[str]] = {}

    def encode(self, event: Event) -> bytes:
        self._note(event)
        match event:
            case Started():
                self._id = event.id or ""
                return _event(Init(self._id, self._id))
            case BlockStart(choice=0):
                return self._begin(event.index, event.block)
            case BlockDelta(choice=0) if event.text:
                return self._more(event.index, event.text)
            case BlockStop(choice=0):
                return self._end(event.index)
        return b""

    def idle(self) -> bytes:
        return _QUIET

    def fail(self, error: GatewayError) -> bytes:
        """LettaBot ends with an error alone or with a failed result; clients that wait for either find it."""
        return _event(Wrong(error.public)) + _event(Result(False, error.public, usage=Counts.of(self._usage)))

    def finish(self) -> bytes:
        return _event(Result(True, stop_reason=self._finished.reason, usage=Counts.of(self._usage)))

    def _begin(self, index: int, block: Block) -> bytes:
        if isinstance(block, Text | Refusal | Reasoning):
            return self._more(index, block.text) if block.text else b""
        if isinstance(block, ToolCall):
            self._texts[index] = [block.arguments]
        elif isinstance(block, ToolResult):
            self._texts[index] = [part.text for part in block.blocks if isinstance(part, Text)]
            for part in block.blocks:
                if not isinstance(part, Text):
                    self._loss.add(f"ToolResult.{type(part).__name__}")
        return b""

    def _more(self, index: int, text: str) -> bytes:
        block = self._blocks[index]
        if isinstance(block, Text | Refusal):
            return _event(Assistant(text, self._uuid(index)))
        if isinstance(block, Reasoning):
            return _event(Thought(text, self._uuid(index)))
        if index in self._texts:
            self._texts[index].append(text)
        return b""

    def _end(self, index: int) -> bytes:
        block, text = self._blocks[index], "".join(self._texts.pop(index, ()))
        if isinstance(block, ToolCall):
            return _event(ToolCalled(block.id, block.name, _arguments(text), self._uuid(index)))
        if isinstance(block, ToolResult):
            return _event(ToolAnswered(block.call_id, text, block.is_error, self._uuid(index)))
        return b""

    def _uuid(self, index: int) -> str:
        return f"{self._id}-{index}"


def _arguments(text: str) -> object:
    """An object, as the SDK has it; what is none stands under `raw`, as there."""
    found = jsontext.anything(text.encode("utf-8", "surrogatepass")) if text else {}
    return found if isinstance(found, dict) else {"raw": text}


def _event(told: Told) -> bytes:
    return sse.frame(jsontext.line(told))
