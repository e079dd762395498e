"""One choice of a reply: deltas to blocks.

Chat completions has no blocks. Prose (text, reasoning, refusal) is one block as long as its kind does not change; each
tool call is a block; calls stay open until the end, since providers may interleave them.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from gateway import (
    Audio,
    BlockDelta,
    BlockStart,
    BlockStop,
    Event,
    Extra,
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import citations, pictures
from .proofs import CONTENT, DETAILS, NAME, signed
from .unread import Unread
from .wire import ChunkChoice, Delta, Part, SoundPart, ToolCallPart

Prose = type[Text] | type[Reasoning] | type[Refusal]


class _Call(msgspec.Struct):
    """block: its index, None as long as it has no name; its arguments are held until then. closed: whether they end
    as an object does.
    """

    id: str
    kind: Literal["function", "custom"]
    extra: Extra
    block: int | None = None
    held: str = ""
    closed: bool = False
    proof: Opaque | None = None


class ChoiceReader:
    """seed: what ids are minted from where the provider gives none; the same bytes give the same ids."""

    def __init__(self, choice: int, seed: str, domain: str, loss: Loss) -> None:
        self.choice = choice
        self._seed = seed
        self._domain = domain
        self._loss = loss
        self._path = f"choices[{choice}]"
        self._next = 0
        self._prose: Prose | None = None
        self._block = 0
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._details: list[Members] = []
        self._grows = False
        self._sound: SoundPart | None = None

    def read(self, choice: ChunkChoice, event: Unread, out: list[Event]) -> None:
        delta = self._news(choice)
        if delta is None:
            return
        content, refusal = self._logprobs(choice.logprobs)
        if thought := delta.reasoning_content or delta.reasoning:
            self._say(Reasoning, thought, out)
        if delta.reasoning_details:
            self._read_details(delta.reasoning_details, bool(thought), out)
        if delta.content or content:
            self._content(delta.content or "", content, out)
        if delta.refusal or refusal:
            self._say(Refusal, delta.refusal or "", out, refusal)
        if delta.annotations:
            self._cite(delta.annotations, out)
        if delta.extra_content:
            self._sign(choice, event, out)
        for picture in delta.images or ():
            self._see(picture, out)
        if delta.audio:
            self._hear(delta.audio)
        if delta.function_call:
            self._tool(ToolCallPart(index=0, function=delta.function_call), {}, out)
        for at, part in enumerate(delta.tool_calls or ()):
            self._call(at, part, event, out)

    def _news(self, choice: ChunkChoice) -> Delta | None:
        """MiniMax says all of a message once more behind its deltas."""
        if choice.delta is not None:
            self._grows = True
            return choice.delta
        return None if self._grows else choice.message

    def finish(self, out: list[Event]) -> None:
        """Closes what is open. A call that never got a name is shown all the same."""
        self._close(out)
        if self._proof() is not None:
            self._open(Reasoning, out)
            self._close(out)
        if self._sound is not None:
            self._sounded(self._sound, out)
        for call in self._calls:
            if call.block is None:
                self._start(call, "", out)
            if call.block is not None:
                out.append(BlockStop(self.choice, call.block))

    def lose(self, choice: ChunkChoice, event: Unread) -> None:
        """What a chunk's delta, or a message, holds that nobody knows."""
        self._loss.lose(event.of_delta(self.choice), self._at(choice))

    def _at(self, choice: ChunkChoice) -> str:
        return f"{self._path}.{'message' if choice.delta is None else 'delta'}"

    def _sign(self, choice: ChunkChoice, event: Unread, out: list[Event]) -> None:
        """Google's signature of the text; it may come behind it, beside an empty one."""
        members = event.of_message(self.choice)
        proof = self._signature(members, "text")
        if proof is None:
            self._loss.add(f"{self._at(choice)}.{CONTENT}")
            return
        if self._prose is not Text:
            self._open(Text, out)
        out.append(BlockDelta(self.choice, self._block, proof=proof))

    def _logprobs(self, given: object) -> tuple[list[object] | None, list[object] | None]:
        """Of content and refusal. Some servers have another form, as `{tokens, token_logprobs}`."""
        if given is None:
            return None, None
        members = given if isinstance(given, dict) else {"": given}
        content, refusal = _tokens(members.get("content")), _tokens(members.get("refusal"))
        if any(value and value is not content and value is not refusal for value in members.values()):
            self._loss.add(f"{self._path}.logprobs")
        return content, refusal

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
        if logprobs:
            self._loss.add(f"{self._path}.logprobs")
        for part in content:
            if part.type == "thinking":
                self._say(Reasoning, _flat(part), out)
            elif part.refusal:
                self._say(Refusal, part.refusal, out)
            elif part.text:
                self._say(Text, part.text, out)
            elif part.type == "image_url":
                self._see(part, out)
            elif part.text is None:
                self._loss.add(f"{self._path}.content[type={part.type}]")

    def _see(self, part: Part, out: list[Event]) -> None:
        """A picture that the model made."""
        picture = pictures.read(part.image_url)
        if picture is None:
            self._loss.add(f"{self._path}.images")
        else:
            self._close(out)
            self._piece(picture, out)

    def _piece(self, block: Image | Audio, out: list[Event]) -> None:
        """A block that comes whole."""
        index = self._take()
        out += [BlockStart(self.choice, index, block), BlockStop(self.choice, index)]

    def _cite(self, annotations: list[Members], out: list[Event]) -> None:
        for annotation in annotations:
            if self._prose is not Text:
                self._open(Text, out)
            out.append(BlockDelta(self.choice, self._block, citation=citations.read(annotation)))

    def _hear(self, piece: SoundPart) -> None:
        """Sound is one block, at the end: blocks do not grow by two sorts of piece, as data and transcript."""
        held = self._sound or SoundPart()
        self._sound = held
        held.id, held.expires_at = piece.id or held.id, piece.expires_at or held.expires_at
        held.data = _joined(held.data, piece.data)
        held.transcript = _joined(held.transcript, piece.transcript)

    def _sounded(self, sound: SoundPart, out: list[Event]) -> None:
        told = jsontext.given({"transcript": sound.transcript, "expires_at": sound.expires_at})
        extra = {name: jsontext.raw(value) for name, value in told.items()}
        self._piece(Audio(sound.data, id=sound.id, extra=extra), out)

    def _read_details(self, details: list[Members], told: bool, out: list[Event]) -> None:
        """told: the text came beside them, under its older name."""
        for detail in details:
            text = detail.get("text") or detail.get("summary")
            if not told and isinstance(text, str) and text:
                self._say(Reasoning, text, out)
            last = self._details[-1] if self._details else None
            if last is None or detail.get("data") or any(last.get(key) != detail.get(key) for key in ("type", "index")):
                self._details.append(detail)
            else:
                _merge(last, detail)

    def _proof(self) -> Opaque | None:
        """The details, where the upstream wants them back; without signatures they say no more than the text."""
        if not any(detail.get("data") or detail.get("signature") for detail in self._details):
            return None
        return Opaque(NAME, DETAILS, jsontext.raw(self._details), self._domain)

    def _call(self, at: int, part: ToolCallPart, event: Unread, out: list[Event]) -> None:
        """Members that are not OpenAI's come with the first piece of a call, or before its name."""
        known = self._known(part)
        extra: Extra = {}
        if known is None or part.extra_content:
            extra = event.of_call(self.choice, at)
        proof = self._signature(extra, "call")
        if known is not None and known.block is not None:
            for name in extra:
                self._loss.add(f"{self._path}.tool_calls.{name}")
            extra = {}
        self._tool(part, extra, out, proof)

    def _signature(self, members: Extra, form: str) -> Opaque | None:
        """Google's signature of a call's or a text's thought, taken out of the members."""
        content = members.get(CONTENT)
        if content is None or not signed(content):
            return None
        del members[CONTENT]
        return Opaque(NAME, form, content, self._domain)

    def _tool(self, part: ToolCallPart, extra: Extra, out: list[Event], proof: Opaque | None = None) -> None:
        call = self._known(part) or self._new(part)
        call.extra |= extra
        if call.block is None:
            call.proof = proof or call.proof
        elif proof is not None:
            out.append(BlockDelta(self.choice, call.block, proof=proof))
        name, arguments = _name(part), _arguments(part)
        call.closed = arguments.rstrip().endswith("}") if arguments else call.closed
        if call.block is None:
            call.held += arguments
            if name:
                self._start(call, name, out)
        elif arguments:
            out.append(BlockDelta(self.choice, call.block, arguments))

    def _known(self, part: ToolCallPart) -> _Call | None:
        """The call that a delta goes on with.

        Some providers number all calls 0, or none at all: another id together with a name is another call, and so is a
        name with an object behind a whole one.
        """
        call = self._by_index.get(part.index) if part.index is not None else None
        if part.index is None and self._calls:
            call = self._by_id.get(part.id or "", self._calls[-1])
        if call is None or call.block is None or not _name(part):
            return call
        again = call.closed and _arguments(part).lstrip().startswith("{")
        other = part.id != call.id if part.id else part.index is None
        return None if other or again else call

    def _new(self, part: ToolCallPart) -> _Call:
        number = len(self._calls)
        custom = part.type == "custom" or part.custom is not None
        call = _Call(part.id or self._mint(number), "custom" if custom else "function", {})
        self._calls.append(call)
        self._by_id[call.id] = call
        if part.index is not None:
            self._by_index[part.index] = call
        return call

    def _start(self, call: _Call, name: str, out: list[Event]) -> None:
        self._close(out)
        call.block = self._take()
        block = ToolCall(call.id, name, kind=call.kind, extra=call.extra, proof=call.proof)
        out.append(BlockStart(self.choice, call.block, block))
        if call.held:
            out.append(BlockDelta(self.choice, call.block, call.held))

    def _mint(self, number: int) -> str:
        digest = hashlib.sha256(f"{self._seed}/{self.choice}/{number}".encode("utf-8", "replace")).hexdigest()
        return f"call_{digest[:24]}"


def _tokens(given: object) -> list[object] | None:
    """A list of tokens with what is told of each; None for anything else."""
    if isinstance(given, list) and given and all(isinstance(token, dict) and "token" in token for token in given):
        return given
    return None


def _name(part: ToolCallPart) -> str | None:
    said = part.custom or part.function
    return said.name if said else None


def _arguments(part: ToolCallPart) -> str:
    if part.custom is not None:
        return part.custom.input or ""
    arguments = part.function.arguments if part.function else None
    return jsontext.encode(arguments).decode() if isinstance(arguments, dict) else arguments or ""


def _flat(part: Part) -> str:
    thoughts = part.thinking
    return "".join(thought.text or "" for thought in thoughts) if isinstance(thoughts, list) else thoughts or ""


def _joined(before: str | None, more: str | None) -> str | None:
    return more if before is None else before + (more or "")


def _merge(into: Members, more: Members) -> None:
    """The next delta of the same detail: texts grow, other members come once."""
    for name, value in more.items():
        before = into.get(name)
        if name in ("text", "summary") and isinstance(before, str) and isinstance(value, str):
            into[name] = before + value
        elif value is not None or before is None:
            into[name] = value
