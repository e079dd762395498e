"""Events to chunks, as server-sent events. Source: OpenAI, "Chat completion chunk object".

What all chunks of a reply share is written once; a delta costs one string's encoding.
"""

from __future__ import annotations

from msgspec import Raw

from gateway import (
    Audio,
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Citation,
    Encoder,
    Event,
    Failed,
    Finished,
    GatewayError,
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolCall,
    Usage,
    sse,
)
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import citations, encoders, proofs, refusals, usages
from .proofs import DETAILS, NAME, DetailWriter
from .ran import Ran

_OPEN = b',"finish_reason":null'
_DONE = b"data: [DONE]\n\n"
_PROSE = {Text: b'{"content":', Reasoning: b'{"reasoning_content":', Refusal: b'{"refusal":'}


class _Open:
    """A block that has begun. prefix: of its deltas, b"" for one that is not shown."""

    __slots__ = ("block", "prefix", "suffix")

    def __init__(self, block: Block, prefix: bytes = b"", suffix: bytes = b"}") -> None:
        self.block = block
        self.prefix = prefix
        self.suffix = suffix


class StreamEncoder(Encoder):
    content_type = "text/event-stream"

    def __init__(self, call: Call, legacy: bool, shows: bool = False) -> None:
        self._loss = Loss()
        self.loss = self._loss.paths
        self._model = call.model
        self._stream_usage = call.stream_usage
        self._legacy = legacy
        self._head = b""
        self._tail = b"]" + (b',"usage":null' if call.stream_usage else b"") + b"}\n\n"
        self._blocks: dict[tuple[int, int], _Open] = {}
        self._calls: dict[int, int] = {}
        self._details: dict[int, DetailWriter] = {}
        self._roles: set[int] = set()
        self._refused: set[int] = set()
        self._usage: Usage | None = None
        self._ran = Ran(shows, streams=True)
        self._over = False

    def encode(self, event: Event) -> bytes:
        if type(event) is BlockDelta:
            return self._delta(event)
        match event:
            case BlockStart():
                return self._role(event.choice) + self._start(event)
            case BlockStop():
                return self._told(event.choice, self._ran.stop(event.index))
            case Started():
                return self._started(event)
            case Usage():
                self._usage = event
            case Finished():
                return self._role(event.choice) + self._finished(event)
            case Failed():
                return self.fail(event.error)
        return b""

    def idle(self) -> bytes:
        return b": keep-alive\n\n"

    def fail(self, error: GatewayError) -> bytes:
        """Without [DONE]: the reply is not whole."""
        self._over = True
        return sse.frame(refusals.encode(error))

    def finish(self) -> bytes:
        if self._over:
            return b""
        if self._usage is None or not self._stream_usage:
            return _DONE
        usage = jsontext.encode(usages.write(self._usage))
        return b'%b"choices":[],"usage":%b}\n\n%b' % (self._head, usage, _DONE)

    def _started(self, started: Started) -> bytes:
        shared: Members = {
            "id": encoders.identity(started),
            "object": "chat.completion.chunk",
            "created": started.created or 0,
            "model": self._model,
        }
        self._loss.own = started.dialect == NAME
        shared = {**self._loss.keep(started.extra, ""), **shared}
        self._head = b"data: " + jsontext.line(shared)[:-1] + b","
        return self._role(0)

    def _role(self, choice: int) -> bytes:
        """The first chunk of a choice."""
        if choice in self._roles:
            return b""
        self._roles.add(choice)
        return self._chunk(choice, b'{"role":"assistant","content":"","refusal":null}')

    def _chunk(self, choice: int, delta: bytes, logprobs: bytes = b"null", end: bytes = _OPEN) -> bytes:
        return b'%b"choices":[{"index":%d,"delta":%b,"logprobs":%b%b}%b' % (
            self._head,
            choice,
            delta,
            logprobs,
            end,
            self._tail,
        )

    def _start(self, start: BlockStart) -> bytes:
        block = start.block
        ran = self._ran.start(start.index, block)
        if ran is not None:
            return self._told(start.choice, ran)
        shown, first = _Open(block), b""
        if isinstance(block, Text | Reasoning | Refusal):
            shown = _Open(block, _PROSE[type(block)])
            if isinstance(block, Text):
                self._loss.lose(block.extra, "Text")
            if isinstance(block, Refusal):
                self._refused.add(start.choice)
            if block.text:
                first = self._chunk(start.choice, shown.prefix + jsontext.encode(block.text) + b"}")
            if isinstance(block, Reasoning):
                self._details_of(start.choice).thought(block.text)
        elif isinstance(block, ToolCall) and block.executor == "client":
            shown, first = self._call(start.choice, block)
        elif isinstance(block, Audio) and (heard := encoders.sound(block, self._loss)) is not None:
            first = self._chunk(start.choice, jsontext.encode({"audio": heard}))
        elif isinstance(block, Image) and (seen := encoders.picture(block, self._loss)) is not None:
            first = self._chunk(start.choice, jsontext.encode({"images": [seen]}))
        else:
            self._loss.add(type(block).__name__)
        self._blocks[start.choice, start.index] = shown
        proof = proofs.of(block)
        return first if proof is None else first + self._proof(start.choice, block, proof)

    def _call(self, choice: int, call: ToolCall) -> tuple[_Open, bytes]:
        index = self._calls.get(choice, 0)
        self._calls[choice] = index + 1
        if self._legacy and call.kind == "function":
            self._loss.lose(call.extra, "ToolCall")
            head: Members = {"function_call": {"name": call.name, "arguments": call.arguments}}
            return _Open(call, b'{"function_call":{"arguments":', b"}}"), self._chunk(choice, jsontext.encode(head))
        member = "input" if call.kind == "custom" else "arguments"
        extra = self._loss.keep(call.extra, "ToolCall")
        part: Members = {
            "index": index,
            "id": call.id,
            "type": call.kind,
            call.kind: {"name": call.name, member: call.arguments},
        }
        prefix = b'{"tool_calls":[{"index":%d,"%b":{"%b":' % (index, call.kind.encode(), member.encode())
        return _Open(call, prefix, b"}}]}"), self._chunk(
            choice, jsontext.line({"tool_calls": [jsontext.merged(part, extra)]})
        )

    def _told(self, choice: int, members: Members) -> bytes:
        return self._chunk(choice, jsontext.line(members)) if members else b""

    def _delta(self, delta: BlockDelta) -> bytes:
        block = self._blocks.get((delta.choice, delta.index))
        if block is None:
            self._ran.more(delta.index, delta.text)
            return b""
        out = b""
        if block.prefix and (delta.text or delta.logprobs):
            text = block.prefix + jsontext.encode(delta.text) + block.suffix
            logprobs = b"null" if delta.logprobs is None else self._logprobs(block, delta.logprobs)
            out = self._chunk(delta.choice, text, logprobs)
            if type(block.block) is Reasoning:
                self._details_of(delta.choice).thought(delta.text)
        if delta.citation is not None:
            out += self._cited(delta.choice, delta.citation)
        if delta.proof is not None:
            out += self._proof(delta.choice, block.block, delta.proof)
        return out

    def _cited(self, choice: int, citation: Citation) -> bytes:
        annotation = citations.write(citation, self._loss)
        return b"" if annotation is None else self._chunk(choice, jsontext.line({"annotations": [annotation]}))

    def _logprobs(self, block: _Open, tokens: Raw) -> bytes:
        told = jsontext.line(tokens)
        if block.prefix == _PROSE[Refusal]:
            return b'{"content":null,"refusal":%b}' % told
        return b'{"content":%b,"refusal":null}' % told

    def _details_of(self, choice: int) -> DetailWriter:
        return self._details.setdefault(choice, DetailWriter())

    def _proof(self, choice: int, block: Block, proof: Opaque) -> bytes:
        proved = proofs.provable(block)
        if proved is None:
            self._loss.add(f"{type(block).__name__}.proof")
            return b""
        details = self._details_of(choice).write(proof, proved)
        return self._chunk(choice, b'{"%b":%b}' % (DETAILS.encode(), bytes(details)))

    def _finished(self, finished: Finished) -> bytes:
        word = encoders.finish_reason(finished, finished.choice in self._refused, self._legacy)
        extra = self._loss.keep(finished.extra, "")
        end = jsontext.line({"finish_reason": word, **encoders.ended(finished), **extra})[1:-1]
        return self._chunk(finished.choice, b"{}", end=b"," + end)
