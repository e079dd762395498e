"""One choice of a reply: deltas to blocks.

Chat completions has no blocks. Prose (text, reasoning, refusal) is one block as long as its kind does not change; each
tool call is a block; calls stay open until the end, since providers may interleave them.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from gateway import BlockDelta, BlockStart, BlockStop, Citation, Event, Opaque, Reasoning, Refusal, Text, ToolCall

from . import jsontext
from .wire import Annotation, Delta, Detail, Function, Logprobs, Part, ToolCallPart

NAME = "openai-chat"
DETAILS = "reasoning_details"
"""Opaque.form of OpenRouter's list of that name."""

Prose = type[Text] | type[Reasoning] | type[Refusal]


class _Call(msgspec.Struct):
    """block: its index, None as long as it has no name; its arguments are held until then."""

    id: str
    kind: Literal["function", "custom"]
    block: int | None = None
    held: str = ""


class ChoiceReader:
    """seed: what ids are minted from where the provider gives none; the same bytes give the same ids."""

    def __init__(self, choice: int, seed: str, domain: str) -> None:
        self.choice = choice
        self._seed = seed
        self._domain = domain
        self._next = 0
        self._prose: Prose | None = None
        self._block = 0
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._details: list[Detail] = []

    def read(self, delta: Delta, logprobs: Logprobs | None, out: list[Event]) -> None:
        if thought := delta.reasoning_content or delta.reasoning:
            self._say(Reasoning, thought, out)
        if delta.reasoning_details:
            self._read_details(delta.reasoning_details, bool(thought), out)
        if delta.content:
            self._content(delta.content, logprobs.content if logprobs else None, out)
        if delta.refusal:
            self._say(Refusal, delta.refusal, out, logprobs.refusal if logprobs else None)
        if delta.annotations:
            self._cite(delta.annotations, out)
        if delta.function_call:
            self._legacy(delta.function_call, out)
        for part in delta.tool_calls or ():
            self._tool(part, out)

    def finish(self, out: list[Event]) -> None:
        """Closes what is open. A call that never got a name is shown all the same."""
        self._close(out)
        if self._proof() is not None:
            self._open(Reasoning, out)
            self._close(out)
        for call in self._calls:
            if call.block is None:
                self._start(call, "", out)
            if call.block is not None:
                out.append(BlockStop(self.choice, call.block))

    def _say(self, kind: Prose, text: str, out: list[Event], logprobs: list[object] | None = None) -> None:
        if self._prose is not kind:
            self._open(kind, out)
        tokens = jsontext.raw(logprobs) if logprobs else None
        out.append(BlockDelta(self.choice, self._block, text, tokens))

    def _open(self, kind: Prose, out: list[Event]) -> None:
        self._close(out)
        self._prose = kind
        self._block = self._take()
        out.append(BlockStart(self.choice, self._block, kind()))

    def _close(self, out: list[Event]) -> None:
        if self._prose is None:
            return
        if self._prose is Reasoning and (proof := self._proof()):
            out.append(BlockDelta(self.choice, self._block, proof=proof))
            self._details = []
        out.append(BlockStop(self.choice, self._block))
        self._prose = None

    def _take(self) -> int:
        self._next += 1
        return self._next - 1

    def _content(self, content: str | list[Part], logprobs: list[object] | None, out: list[Event]) -> None:
        if isinstance(content, str):
            self._say(Text, content, out, logprobs)
            return
        for part in content:
            if part.type == "thinking":
                self._say(Reasoning, _flat(part), out)
            elif part.refusal:
                self._say(Refusal, part.refusal, out)
            elif part.text:
                self._say(Text, part.text, out)

    def _cite(self, annotations: list[Annotation], out: list[Event]) -> None:
        for annotation in annotations:
            if (source := annotation.url_citation) is None:
                continue
            if self._prose is not Text:
                self._open(Text, out)
            citation = Citation(source.url, source.title or "", source.start_index or 0, source.end_index or 0)
            out.append(BlockDelta(self.choice, self._block, citation=citation))

    def _read_details(self, details: list[Detail], told: bool, out: list[Event]) -> None:
        """told: the text came beside them, under its older name."""
        for detail in details:
            if not told and (text := detail.text or detail.summary):
                self._say(Reasoning, text, out)
            last = self._details[-1] if self._details else None
            if last is None or (last.type, last.index) != (detail.type, detail.index) or detail.data:
                self._details.append(detail)
            else:
                _merge(last, detail)

    def _proof(self) -> Opaque | None:
        """The details, where the upstream wants them back; without signatures they say no more than the text."""
        if not any(detail.data or detail.signature for detail in self._details):
            return None
        return Opaque(NAME, DETAILS, jsontext.raw(self._details), self._domain)

    def _legacy(self, function: Function, out: list[Event]) -> None:
        self._tool(ToolCallPart(index=0, function=function), out)

    def _tool(self, part: ToolCallPart, out: list[Event]) -> None:
        call = self._known(part) or self._new(part)
        if part.custom is not None:
            name, arguments = part.custom.name, part.custom.input
        else:
            function = part.function or Function()
            name, arguments = function.name, _arguments(function)
        if call.block is None:
            call.held += arguments or ""
            if name:
                self._start(call, name, out)
        elif arguments:
            out.append(BlockDelta(self.choice, call.block, arguments))

    def _known(self, part: ToolCallPart) -> _Call | None:
        """The call that a delta goes on with.

        Some providers number all calls 0, or none at all: another id together with a name is another call.
        """
        call = self._by_index.get(part.index) if part.index is not None else None
        if part.index is None and self._calls:
            call = next((known for known in self._calls if known.id == part.id), self._calls[-1])
        if call is None or call.block is None or not _name(part):
            return call
        other = part.id != call.id if part.id else part.index is None
        return None if other else call

    def _new(self, part: ToolCallPart) -> _Call:
        number = len(self._calls)
        custom = part.type == "custom" or part.custom is not None
        call = _Call(part.id or self._mint(number), "custom" if custom else "function")
        self._calls.append(call)
        if part.index is not None:
            self._by_index[part.index] = call
        return call

    def _start(self, call: _Call, name: str, out: list[Event]) -> None:
        self._close(out)
        call.block = self._take()
        out.append(BlockStart(self.choice, call.block, ToolCall(call.id, name, kind=call.kind)))
        if call.held:
            out.append(BlockDelta(self.choice, call.block, call.held))

    def _mint(self, number: int) -> str:
        digest = hashlib.sha256(f"{self._seed}/{self.choice}/{number}".encode("utf-8", "replace")).hexdigest()
        return f"call_{digest[:24]}"


def _name(part: ToolCallPart) -> str | None:
    said = part.custom or part.function
    return said.name if said else None


def _arguments(function: Function) -> str | None:
    arguments = function.arguments
    return jsontext.encode(arguments).decode() if isinstance(arguments, dict) else arguments


def _flat(part: Part) -> str:
    thoughts = part.thinking
    return "".join(thought.text or "" for thought in thoughts) if isinstance(thoughts, list) else thoughts or ""


def _merge(into: Detail, more: Detail) -> None:
    """The next delta of the same detail."""
    into.text = _joined(into.text, more.text)
    into.summary = _joined(into.summary, more.summary)
    into.signature = more.signature or into.signature
    into.id = more.id or into.id
    into.format = more.format or into.format


def _joined(a: str | None, b: str | None) -> str | None:
    return a + b if a and b else a or b
