"""Events to one chat completion. Source: OpenAI, "Chat completion object"."""

from __future__ import annotations

from msgspec import Raw

from gateway import (
    Audio,
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
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolCall,
    Usage,
)
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import citations, encoders, proofs, refusals, usages
from .proofs import DETAILS, NAME, DetailWriter
from .ran import Ran


class _Block:
    """A block and what came for it. pieces: of its text; none for one that is not shown."""

    __slots__ = ("block", "pieces", "proofs")

    def __init__(self, block: Block) -> None:
        self.block = block
        self.pieces: list[str] = []
        if isinstance(block, ToolCall):
            self.pieces.append(block.arguments)
        elif isinstance(block, Text | Reasoning | Refusal):
            self.pieces.append(block.text)
        proof = proofs.of(block)
        self.proofs = [] if proof is None else [proof]


class _Choice:
    def __init__(self) -> None:
        self.blocks: dict[int, _Block] = {}
        self.citations: list[Members | Raw] = []
        self.sound: Members | None = None
        self.pictures: list[Members] = []
        self.logprobs: dict[str, list[Raw]] = {}
        self.finished = Finished()

    def said(self, kind: type[Text] | type[Reasoning] | type[Refusal]) -> str | None:
        """The text of all blocks of a kind; None where there is none."""
        found = ["".join(one.pieces) for one in self.blocks.values() if type(one.block) is kind]
        return "".join(found) if found else None

    def details(self) -> list[Raw]:
        """Of all blocks in their order."""
        writer, found = DetailWriter(), []
        for one in self.blocks.values():
            if isinstance(one.block, Reasoning):
                writer.thought("".join(one.pieces))
            if (proved := proofs.provable(one.block)) is not None:
                found += [writer.write(proof, proved) for proof in one.proofs]
        return found

    def calls(self) -> list[tuple[ToolCall, str]]:
        shown = [(one.block, "".join(one.pieces)) for one in self.blocks.values()]
        return [(block, said) for block, said in shown if isinstance(block, ToolCall) and block.executor == "client"]


class WholeEncoder(Encoder):
    content_type = "application/json"

    def __init__(self, call: Call, legacy: bool, shows: bool = False) -> None:
        self._loss = Loss()
        self.loss = self._loss.paths
        self._model = call.model
        self._legacy = legacy
        self._started = Started()
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None
        self._failed: GatewayError | None = None
        self._ran = Ran(shows)
        self._tools: dict[str, list[object]] = {}

    def encode(self, event: Event) -> bytes:
        match event:
            case BlockDelta():
                self._delta(event)
            case BlockStart():
                self._start(event)
            case BlockStop():
                self._told(self._ran.stop(event.index))
            case Started():
                self._started = event
                self._loss.own = event.dialect == NAME
            case Usage():
                self._usage = event
            case Finished():
                self._choice(event.choice).finished = event
            case Failed():
                self._failed = event.error
        return b""

    def fail(self, error: GatewayError) -> bytes:
        self._failed = None
        self._choices = {}
        return refusals.encode(error)

    def finish(self) -> bytes:
        if self._failed is not None:
            return refusals.encode(self._failed)
        out: Members = {
            "id": encoders.identity(self._started),
            "object": "chat.completion",
            "created": self._started.created or 0,
            "model": self._model,
            "choices": [self._written(index, choice) for index, choice in sorted(self._choices.items())],
        }
        if self._usage is not None:
            out["usage"] = usages.write(self._usage)
        return jsontext.encode({**self._loss.keep(self._started.extra, ""), **out})

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        return choice

    def _told(self, members: Members) -> None:
        for name, items in members.items():
            if isinstance(items, list):
                self._tools.setdefault(name, []).extend(items)

    def _start(self, start: BlockStart) -> None:
        block = start.block
        ran = self._ran.start(start.index, block)
        if ran is not None:
            self._told(ran)
            return
        self._choice(start.choice).blocks[start.index] = _Block(block)
        if isinstance(block, Text):
            self._loss.lose(block.extra, "Text")
        elif isinstance(block, Audio) and (heard := encoders.sound(block, self._loss)) is not None:
            self._choice(start.choice).sound = heard
        elif isinstance(block, Image) and (seen := encoders.picture(block, self._loss)) is not None:
            self._choice(start.choice).pictures.append(seen)
        elif not isinstance(block, Reasoning | Refusal) and not (
            isinstance(block, ToolCall) and block.executor == "client"
        ):
            self._loss.add(type(block).__name__)

    def _delta(self, delta: BlockDelta) -> None:
        choice = self._choice(delta.choice)
        block = choice.blocks.get(delta.index)
        if block is None:
            self._ran.more(delta.index, delta.text)
            return
        if delta.text:
            block.pieces.append(delta.text)
        if delta.logprobs is not None:
            kind = "refusal" if isinstance(block.block, Refusal) else "content"
            choice.logprobs.setdefault(kind, []).append(delta.logprobs)
        if delta.citation is not None:
            annotation = citations.write(delta.citation, self._loss)
            choice.citations += [annotation] if annotation is not None else []
        if delta.proof is not None:
            self._prove(block, delta.proof)

    def _prove(self, block: _Block, proof: Opaque) -> None:
        if proofs.provable(block.block) is None:
            self._loss.add(f"{type(block.block).__name__}.proof")
        else:
            block.proofs.append(proof)

    def _written(self, index: int, choice: _Choice) -> Members:
        refusal = choice.said(Refusal)
        word = encoders.finish_reason(choice.finished, refusal is not None, self._legacy)
        return {
            "index": index,
            "message": self._message(choice, refusal),
            "logprobs": _logprobs(choice),
            "finish_reason": word,
            **encoders.ended(choice.finished),
            **self._loss.keep(choice.finished.extra, ""),
        }

    def _message(self, choice: _Choice, refusal: str | None) -> Members:
        calls = choice.calls()
        text = choice.said(Text)
        if text is None and not calls and refusal is None:
            text = ""
        out: Members = {"role": "assistant", "content": text, "refusal": refusal, "annotations": choice.citations}
        if reasoning := choice.said(Reasoning):
            out["reasoning_content"] = reasoning
        if choice.sound is not None:
            out["audio"] = choice.sound
        if choice.pictures:
            out["images"] = choice.pictures
        out |= self._tools
        if details := choice.details():
            out[DETAILS] = _one_list(details)
        if calls and self._legacy:
            self._loss.lose(calls[0][0].extra, "ToolCall")
            out["function_call"] = {"name": calls[0][0].name, "arguments": calls[0][1]}
        elif calls:
            out["tool_calls"] = [self._call(call, arguments) for call, arguments in calls]
        return out

    def _call(self, call: ToolCall, arguments: str) -> Members:
        member = "input" if call.kind == "custom" else "arguments"
        out: Members = {"id": call.id, "type": call.kind, call.kind: {"name": call.name, member: arguments}}
        return jsontext.merged(out, self._loss.keep(call.extra, "ToolCall"))


def _logprobs(choice: _Choice) -> Members | None:
    if not choice.logprobs:
        return None
    return {
        name: _one_list(choice.logprobs[name]) if name in choice.logprobs else None for name in ("content", "refusal")
    }


def _one_list(lists: list[Raw]) -> Raw:
    """JSON lists as one, their items untouched."""
    inner = [bytes(one).strip()[1:-1].strip() for one in lists]
    return Raw(b"[" + b",".join(items for items in inner if items) + b"]")
