"""Chat completions of LibreChat's, chunks and whole ones, to events.

Source: LibreChat `packages/api/src/agents/openai/{service,handlers}.ts`.
"""

from __future__ import annotations

from msgspec import Struct, field

from gateway import Event, Failed, Finished, Reason, Reasoning, Started, Text, UpstreamError, Usage
from gateway.wire.losses import Loss
from gateway.wire.refusals import said
from gateway.wire.shapes import Shape

from . import refusals, usages
from .blocks import Blocks
from .tool_calls import UNPLACED, ToolCalls
from .usages import WireUsage

ERROR = "\n\nError: "
"""What an error within a stream begins with; it comes with the finish reason, which no text of a model does."""


class Function(Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class Call(Struct):
    index: int = 0
    id: str | None = None
    function: Function | None = None


class Message(Struct):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[Call] | None = None


class Choice(Struct):
    delta: Message | None = None
    message: Message | None = None
    finish_reason: str | None = None


class Chunk(Struct):
    kind: str | None = field(default=None, name="object")
    id: str | None = None
    model: str | None = None
    created: float | None = None
    choices: list[Choice] | None = None
    usage: WireUsage | None = None
    error: object = None


CHUNK = Shape(Chunk, "a chat completion of LibreChat's")


class ChatReader:
    """whole: the reply's end was told. failed: nothing follows."""

    def __init__(self, loss: Loss, server: str = "") -> None:
        self.whole = self.failed = False
        self._loss = loss
        self._blocks, self._calls = Blocks(server), ToolCalls()
        self._reason: str | None = None
        self._usage: Usage | None = None

    def read(self, payload: bytes, out: list[Event]) -> None:
        """Raises UpstreamBroken."""
        chunk = CHUNK.read(payload)
        if chunk.error:
            self._fail(refusals.in_reply(said({"error": chunk.error}).message), out)
            return
        if self._blocks.started is None:
            created = int(chunk.created) if chunk.created and 0 < chunk.created < 2**53 else None
            self._blocks.started = Started(chunk.id or None, chunk.model or None, created)
        for choice in (chunk.choices or [])[:1]:
            self._choice(choice, out)
        if chunk.usage is not None:
            self._usage = usages.read(chunk.usage)

    def finish(self, out: list[Event]) -> None:
        """A run that ended in calls alone has run them: there is nothing for a client to answer."""
        self._blocks.begin(out)
        self._blocks.close(out)
        if self._usage is not None:
            out.append(self._usage)
        detail = self._reason if self._reason != "stop" else None
        reason: Reason = "length" if self._reason == "length" else "stop"
        out.append(Finished(0, reason, detail))

    def _fail(self, error: UpstreamError, out: list[Event]) -> None:
        self.failed = True
        out.append(Failed(error))

    def _choice(self, choice: Choice, out: list[Event]) -> None:
        piece = choice.delta or choice.message
        if choice.delta is not None and choice.finish_reason:
            text = choice.delta.content or ""
            if text.startswith(ERROR):
                self._fail(refusals.in_reply(text.removeprefix(ERROR)), out)
                return
        if piece is not None:
            self._said(piece, choice.delta is None, out)
        if choice.finish_reason:
            self.whole, self._reason = True, choice.finish_reason

    def _said(self, piece: Message, whole: bool, out: list[Event]) -> None:
        """Of a whole message the text comes last, as it did in the run."""
        thought = piece.reasoning or piece.reasoning_content or ""
        text = piece.content or ""
        if thought or (text and not whole):
            self._calls.turn()
        self._blocks.say(Reasoning, thought, out)
        if not whole:
            self._blocks.say(Text, text, out)
        for call in piece.tool_calls or ():
            self._call(call, whole, out)
        if whole:
            self._blocks.say(Text, text, out)

    def _call(self, call: Call, whole: bool, out: list[Event]) -> None:
        function = call.function or Function()
        arguments = function.arguments or ""
        if call.id and function.name and not self._calls.knows(call.id):
            at = self._blocks.call(call.id, function.name, out)
            if whole:
                self._blocks.more(at, arguments, out)
                return
            self._calls.begin(at, call.id)
        if arguments:
            found = self._calls.of(call.index, arguments, call.id or "")
            if found is None:
                self._loss.add(UNPLACED)
            else:
                self._blocks.more(found.block, arguments, out)
