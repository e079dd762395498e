"""Events to a reply: JSON lines, or one JSON text. Source: Ollama, `api/types.go`: ChatResponse, GenerateResponse.

There are no durations in it, since nobody here has measured how long a model was loaded or computed; those that an
upstream of this dialect tells are told.
"""

from __future__ import annotations

from msgspec import Raw

from gateway import (
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Encoder,
    Event,
    Failed,
    Finished,
    GatewayError,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolCall,
    Usage,
)
from gateway.wire import jsontext, lines
from gateway.wire.jsontext import Members as Object
from gateway.wire.losses import Loss

from . import dates, refusals, tools
from .names import ENDS, NAME

_WORDS = {Text: "content", Refusal: "content", Reasoning: "thinking"}


class _ReplyEncoder(Encoder):
    """What both framings share. There is one choice; a call is shown once its arguments are whole."""

    def __init__(self, call: Call, generate: bool) -> None:
        self._loss = Loss()
        self.loss = self._loss.paths
        self._head: Object = {"model": call.model, "created_at": dates.NEVER}
        self._generate = generate
        self._prose: dict[int, str] = {}
        self._calls: dict[int, ToolCall] = {}
        self._arguments: dict[int, list[str]] = {}
        self._shown = 0
        self._finished = Finished()
        self._usage = Usage()

    def pieces(self, event: Event) -> list[tuple[str, object]]:
        """What an event adds: to `content` or `thinking`, to `tool_calls`, to `logprobs`."""
        match event:
            case Started():
                self._start(event)
            case Usage():
                self._usage = event
            case Finished(choice=0):
                self._finished = event
            case BlockStart(choice=0):
                return self._begin(event.index, event.block)
            case BlockDelta(choice=0):
                return self._more(event)
            case BlockStop(choice=0) if event.index in self._calls:
                return [("tool_calls", self._whole_call(event.index))]
            case BlockStart():
                self._loss.add("choices")
        return []

    def told(self, members: Object) -> Object:
        """A reply or a piece of it. members: those that there are of content, thinking, tool_calls and logprobs."""
        logprobs = {"logprobs": members["logprobs"]} if "logprobs" in members else {}
        content = members.get("content", "")
        more = {name: value for name, value in members.items() if name in ("thinking", "tool_calls")}
        if self._generate:
            return {**self._head, "response": content, **more, **logprobs, "done": False}
        return {**self._head, "message": {"role": "assistant", "content": content, **more}, **logprobs, "done": False}

    def ended(self, reply: Object) -> Object:
        """The same as a reply's end."""
        reply |= {"done": True, "done_reason": ENDS[self._finished.reason]}
        if self._finished.at:
            reply["created_at"] = dates.text(self._finished.at)
        usage = self._usage
        counted = (usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
        extra: Object = {**self._loss.keep(self._finished.extra)}
        if any(count is not None for count in counted):
            extra["prompt_eval_count"] = usage.prompt
        if usage.output is not None:
            extra["eval_count"] = usage.output
        return reply | extra

    def _start(self, started: Started) -> None:
        self._loss.own = started.dialect == NAME
        self._head["model"] = self._head["model"] or started.model or ""
        self._head["created_at"] = dates.text(started.created)
        self._head |= self._loss.keep(started.extra)

    def _begin(self, index: int, block: Block) -> list[tuple[str, object]]:
        if isinstance(block, Text | Reasoning | ToolCall):
            self._loss.keep(block.extra, type(block).__name__)
            if block.proof is not None:
                self._loss.add("proof")
        if isinstance(block, Text | Reasoning | Refusal):
            self._prose[index] = _WORDS[type(block)]
            return [(self._prose[index], block.text)] if block.text else []
        if isinstance(block, ToolCall) and block.executor == "client":
            self._calls[index] = block
            self._arguments[index] = [block.arguments]
        else:
            self._loss.add(type(block).__name__)
        return []

    def _more(self, delta: BlockDelta) -> list[tuple[str, object]]:
        if delta.citation is not None:
            self._loss.add("citations")
        if delta.proof is not None:
            self._loss.add("proof")
        found: list[tuple[str, object]] = []
        if delta.index in self._arguments:
            self._arguments[delta.index].append(delta.text)
        elif delta.text and delta.index in self._prose:
            found.append((self._prose[delta.index], delta.text))
        if delta.logprobs is not None:
            found.append(("logprobs", delta.logprobs))
        return found

    def _whole_call(self, index: int) -> Object:
        call = self._calls.pop(index)
        call = ToolCall(call.id, call.name, "".join(self._arguments.pop(index)), call.kind)
        written = tools.write_call(call, self._shown, f"tool_calls[{self._shown}]", self._loss)
        self._shown += 1
        return written


class StreamEncoder(_ReplyEncoder):
    content_type = lines.CONTENT_TYPE

    def encode(self, event: Event) -> bytes:
        if isinstance(event, Failed):
            return self.fail(event.error)
        found = dict(self.pieces(event))
        if "tool_calls" in found:
            found["tool_calls"] = [found["tool_calls"]]
        return lines.frame(jsontext.encode(self.told(found))) if found else b""

    def fail(self, error: GatewayError) -> bytes:
        return lines.frame(refusals.encode(error))

    def finish(self) -> bytes:
        return lines.frame(jsontext.encode(self.ended(self.told({}))))


class WholeEncoder(_ReplyEncoder):
    content_type = "application/json; charset=utf-8"

    def __init__(self, call: Call, generate: bool) -> None:
        super().__init__(call, generate)
        self._texts: dict[str, list[str]] = {}
        self._called: list[object] = []
        self._logprobs: list[Raw] = []

    def encode(self, event: Event) -> bytes:
        for name, value in self.pieces(event):
            if name == "tool_calls":
                self._called.append(value)
            elif isinstance(value, Raw):
                self._logprobs += _items(value)
            else:
                self._texts.setdefault(name, []).append(str(value))
        return b""

    def fail(self, error: GatewayError) -> bytes:
        return refusals.encode(error)

    def finish(self) -> bytes:
        members: Object = {name: "".join(texts) for name, texts in self._texts.items()}
        if self._called:
            members["tool_calls"] = self._called
        if self._logprobs:
            members["logprobs"] = self._logprobs
        return jsontext.encode(self.ended(self.told(members)))


def _items(logprobs: Raw) -> list[Raw]:
    return [jsontext.raw(item) for item in jsontext.objects(logprobs)]
