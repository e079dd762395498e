"""Blocks of a streamed reply while they grow: each step gives the events that tell of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from gateway import (
    Block,
    BlockDelta,
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

from . import inputs, ran, shown, state

_TEXT = b'{"type":"text_delta","text":'
_THINKING = b'{"type":"thinking_delta","thinking":'
_JSON = b'{"type":"input_json_delta","partial_json":'


class Writer:
    """What the blocks of a reply share. refused, called: whether one of them is a refusal, a call. ran: what calls that
    are not the client's to run are named to it. gathers: whether the client puts together the input of those, too, as
    of its own.
    """

    def __init__(self, loss: Loss, gathers: bool = False) -> None:
        self.loss = loss
        self.gathers = gathers
        self.refused = False
        self.called = False
        self.ran: dict[str, str] = {}
        self._next = 0

    def start(self, block: object) -> tuple[int, bytes]:
        """The block's index, and the event."""
        index = self._next
        self._next += 1
        begun = b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
        return index, begun % (index, jsontext.line(block))

    def stop(self, index: int) -> bytes:
        return b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % index

    def whole(self, block: object) -> bytes:
        index, begun = self.start(block)
        return begun + self.stop(index)

    def called_with(self, block: Mapping[str, object], given: bytes | str) -> bytes:
        """A whole block of a call. Its input, JSON, comes as a piece, as the vendor sends it."""
        index, begun = self.start({**block, "input": {}})
        text = jsontext.encode(given if isinstance(given, str) else given.decode("utf-8", "replace"))
        return begun + b"%b%b%b}}\n\n" % (prefix(index), _JSON, text) + self.stop(index)


def prefix(index: int) -> bytes:
    """Of a block's deltas."""
    return b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":' % index


class Piece(ABC):
    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._proof: Opaque | None = None

    def start(self) -> bytes:
        return b""

    @abstractmethod
    def more(self, delta: BlockDelta) -> bytes: ...

    def stop(self) -> bytes:
        return b""

    def _behind(self) -> bytes:
        """A proof that this block has no slot for goes into a block of its own."""
        return b"" if self._proof is None else self._writer.whole(shown.carried(self._proof))


class Prose(Piece):
    """Text, and the words of a refusal."""

    def __init__(self, block: Text | Refusal, writer: Writer) -> None:
        super().__init__(writer)
        self._first = block.text
        self._extra = writer.loss.keep(block.extra, "Text") if isinstance(block, Text) else {}
        self._proof = block.proof if isinstance(block, Text) else None
        self._prefix = b""
        self._index = -1
        self._said: list[str] = []
        writer.refused = writer.refused or isinstance(block, Refusal)

    def start(self) -> bytes:
        return self._say(self._first)

    def more(self, delta: BlockDelta) -> bytes:
        out = self._say(delta.text)
        if delta.logprobs is not None:
            self._writer.loss.add("logprobs")
        if delta.proof is not None:
            self._proof = delta.proof
        if delta.citation is not None:
            cited = shown.citation(delta.citation, "".join(self._said), self._writer.loss)
            if cited is not None:
                body: Members = {"type": "citations_delta", "citation": cited}
                out += self._begin() + b"%b%b}\n\n" % (prefix(self._index), jsontext.line(body))
        return out

    def stop(self) -> bytes:
        ended = self._writer.stop(self._index) if self._index >= 0 else b""
        return ended + self._behind()

    def _say(self, text: str) -> bytes:
        if not text:
            return b""
        out = b"" if self._prefix else self._begin()
        self._said.append(text)
        return out + b"%b%b}}\n\n" % (self._prefix, jsontext.encode(text))

    def _begin(self) -> bytes:
        if self._index >= 0:
            return b""
        self._index, begun = self._writer.start({"type": "text", "text": "", **self._extra})
        self._prefix = prefix(self._index) + _TEXT
        return begun


class Thinking(Piece):
    def __init__(self, block: Reasoning, writer: Writer) -> None:
        super().__init__(writer)
        self._first = block.text
        self._extra = writer.loss.keep(block.extra, "Reasoning")
        self._proof = block.proof
        self._prefix = b""
        self._index = -1

    def start(self) -> bytes:
        return self._think(self._first)

    def more(self, delta: BlockDelta) -> bytes:
        if delta.proof is not None:
            self._proof = delta.proof
        return self._think(delta.text)

    def stop(self) -> bytes:
        proof = self._proof
        if proof is not None and state.is_redacted(proof):
            ended = self._writer.stop(self._index) if self._index >= 0 else b""
            return ended + self._writer.whole({**shown.carried(proof), **self._extra})
        out = b""
        if proof is not None:
            body: Members = {"type": "signature_delta", "signature": state.shown_signature(proof)}
            out = self._begin() + b"%b%b}\n\n" % (prefix(self._index), jsontext.encode(body))
        return out + self._writer.stop(self._index) if self._index >= 0 else out

    def _think(self, text: str) -> bytes:
        if not text:
            return b""
        return self._begin() + b"%b%b}}\n\n" % (self._prefix, jsontext.encode(text))

    def _begin(self) -> bytes:
        if self._index >= 0:
            return b""
        self._index, begun = self._writer.start({"type": "thinking", "thinking": "", "signature": "", **self._extra})
        self._prefix = prefix(self._index) + _THINKING
        return begun


class Calling(Piece):
    """A tool call. The free text of a custom tool is no JSON, so it waits for its end and goes as an object with it."""

    def __init__(self, block: ToolCall, writer: Writer) -> None:
        super().__init__(writer)
        writer.called = True
        self._block = block
        self._proof = block.proof
        self._free: list[str] | None = [] if block.kind == "custom" else None
        self._prefix = b""
        self._index = -1

    def start(self) -> bytes:
        block = self._block
        extra = self._writer.loss.keep(block.extra, "ToolCall")
        known: Members = {"type": "tool_use", "id": block.id, "name": block.name, "input": {}}
        self._index, begun = self._writer.start({**known, **extra})
        self._prefix = prefix(self._index) + _JSON
        return begun + self._write(block.arguments)

    def more(self, delta: BlockDelta) -> bytes:
        if delta.proof is not None:
            self._proof = delta.proof
        return self._write(delta.text)

    def stop(self) -> bytes:
        out = b""
        if self._free is not None:
            text = jsontext.encode({"input": "".join(self._free)}).decode()
            out = b"%b%b}}\n\n" % (self._prefix, jsontext.encode(text))
        return out + self._writer.stop(self._index) + self._behind()

    def _write(self, text: str) -> bytes:
        if self._free is not None:
            self._free.append(text)
            return b""
        return b"%b%b}}\n\n" % (self._prefix, jsontext.encode(text)) if text else b""


class Running(Piece):
    """A tool that the gateway or its upstream runs. It goes whole to clients who may gather the input of their own
    tools alone: the vendor's SDKs do outside its beta.
    """

    def __init__(self, block: ToolCall, writer: Writer) -> None:
        super().__init__(writer)
        self._block = block
        self._proof = block.proof
        self._said = [block.arguments]

    def more(self, delta: BlockDelta) -> bytes:
        if delta.proof is not None:
            self._proof = delta.proof
        self._said.append(delta.text)
        return b""

    def stop(self) -> bytes:
        given, whole = inputs.of("function", "".join(self._said))
        if not whole:
            self._writer.loss.add("ToolCall.arguments")
        extra = self._writer.loss.keep(self._block.extra, "ToolCall")
        block = {**ran.use(self._block, given), **extra}
        if self._writer.gathers:
            return self._writer.called_with(block, jsontext.encode(given)) + self._behind()
        return self._writer.whole(block) + self._behind()


class Ran(Piece):
    """What it came to, which comes whole."""

    def __init__(self, block: ToolResult, writer: Writer) -> None:
        super().__init__(writer)
        self._block = block

    def start(self) -> bytes:
        return self._writer.whole(ran.result(self._block, self._writer.ran[self._block.call_id], self._writer.loss))

    def more(self, delta: BlockDelta) -> bytes:
        return b""


class Known(Piece):
    """A block that is whole as it begins. The input of a server tool goes as pieces, where clients look for it."""

    def __init__(self, block: Opaque, writer: Writer) -> None:
        super().__init__(writer)
        self._members = jsontext.members(jsontext.raw(shown.opaque(block)))

    def start(self) -> bytes:
        given = self._members.get("input")
        if given is None or jsontext.first(given) != b"{":
            return self._writer.whole(self._members)
        return self._writer.called_with(self._members, bytes(given))

    def more(self, delta: BlockDelta) -> bytes:
        return b""


class Untold(Piece):
    def __init__(self, block: Block, writer: Writer) -> None:
        super().__init__(writer)
        shown.untold(block, writer.loss)

    def more(self, delta: BlockDelta) -> bytes:
        return b""


def piece(block: Block, writer: Writer) -> Piece:
    if isinstance(block, Text | Refusal):
        return Prose(block, writer)
    if isinstance(block, Reasoning):
        return Thinking(block, writer)
    if isinstance(block, ToolCall) and block.executor == "client":
        return Calling(block, writer)
    if isinstance(block, ToolCall):
        writer.ran[block.id] = ran.shown(block)
        return Running(block, writer)
    if isinstance(block, ToolResult) and block.call_id in writer.ran:
        return Ran(block, writer)
    return Known(block, writer) if isinstance(block, Opaque) else Untold(block, writer)
