"""Messages to contents: one system text, turns of one role after another, calls and their results.

A result names its function, which is found by the call's id. Results stand in the order of their calls, since without
ids order is what pairs them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from gateway import (
    Audio,
    Block,
    File,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Target,
    Text,
    ToolCall,
    ToolResult,
    carrier,
)
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import families, ids, media, proofs
from .fields import nested
from .functions import arguments, response
from .names import NAME
from .proofs import SIGNATURE

_PROVING = frozenset(("text", "functionCall", SIGNATURE))


class _Content(msgspec.Struct):
    """places: of the calls that its last parts are results of, in order."""

    role: str
    parts: list[Members]
    places: list[int] = []
    extra: Members = {}

    def said(self) -> Members:
        return {"role": self.role, "parts": self.parts, **self.extra}


class _Known(msgspec.Struct):
    """A call that a result may be of. place: counts a conversation's calls."""

    name: str
    place: int


class Turns:
    """system: parts of the one system instruction. contents: the rest."""

    def __init__(self, target: Target, loss: Loss) -> None:
        self.system: list[Members] = []
        self._contents: list[_Content] = []
        self._domain = target.state_domain
        self._signs = not families.is_older(target.model)
        self._loss = loss
        self._calls: dict[str, _Known] = {}
        self._before = ""

    @property
    def contents(self) -> list[Members]:
        return [content.said() for content in self._contents]

    def write(self, system: Sequence[Text], messages: Sequence[Message]) -> None:
        for at, text in enumerate(system):
            self._system(text, f"system[{at}]")
        begun = False
        for at, message in enumerate(messages):
            path = f"messages[{at}]"
            if message.role in ("system", "developer"):
                self._instruct(message, path, begun)
            else:
                begun = True
                self._turn(message, path)

    def _instruct(self, message: Message, path: str, begun: bool) -> None:
        """There is one place for it; where it stood in the conversation is lost."""
        if begun:
            self._loss.add(path)
        self._loss.lose(message.extra, path)
        for at, block in enumerate(message.blocks):
            if isinstance(block, Text):
                self._system(block, f"{path}.content[{at}]")
            else:
                self._loss.add(f"{path}.content[{at}]")

    def _system(self, text: Text, path: str) -> None:
        if text.text or self._loss.own:
            self.system.append({"text": text.text, **nested(self._loss.keep(text.extra, path))})

    def _turn(self, message: Message, path: str) -> None:
        for name, value in (("name", message.name), ("phase", message.phase)):
            if value:
                self._loss.add(f"{path}.{name}")
        role = "model" if message.role == "assistant" else "user"
        content = self._content(message, role)
        before = len(content.parts)
        for at, block in enumerate(message.blocks):
            if isinstance(block, ToolResult):
                self._result(content, block, f"{path}.content[{at}]")
            else:
                content.places.clear()
                self._block(content.parts, block, f"{path}.content[{at}]")
        if role == "model":
            self._sign(content.parts[before:])
        if not content.parts and not self._loss.own:
            self._contents.pop()
        content.extra |= nested(self._loss.keep(message.extra, path))

    def _content(self, message: Message, role: str) -> _Content:
        """Turns of one role are one, but for Gemini's own clients, whose results and words may be one turn."""
        before = self._before
        self._before = message.role
        if not self._contents or self._contents[-1].role != role or (self._loss.own and before == message.role):
            self._contents.append(_Content(role, []))
        return self._contents[-1]

    def _block(self, parts: list[Members], block: Block, path: str) -> None:
        match block:
            case Text() | Refusal():
                self._text(parts, block, path)
            case Reasoning():
                self._reasoning(parts, block, path)
            case ToolCall():
                self._call(parts, block, path)
            case Opaque():
                self._opaque(parts, block, path)
            case Image() | File() | Audio():
                self._media(parts, block, path)

    def _text(self, parts: list[Members], block: Text | Refusal, path: str) -> None:
        """Gemini refuses empty text, unless it carries a signature; its own clients may find out for themselves."""
        proof = self._proof(block.proof if isinstance(block, Text) else None, path)
        if block.text or proof or self._loss.own:
            extra = block.extra if isinstance(block, Text) else {}
            parts.append({"text": block.text, **proof, **nested(self._loss.keep(extra, path))})

    def _reasoning(self, parts: list[Members], block: Reasoning, path: str) -> None:
        """Thoughts go back only to who thought them; without a signature that is only known of its own clients."""
        foreign = block.proof is not None and not carrier.trusted(block.proof, NAME, self._domain)
        if foreign or (block.proof is None and not self._loss.own):
            self._loss.add(path)
            return
        proof = self._proof(block.proof, path)
        extra = nested(self._loss.keep(block.extra, path))
        parts.append({"text": block.text, "thought": True, **proof, **extra})

    def _call(self, parts: list[Members], block: ToolCall, path: str) -> None:
        self._calls[block.id] = _Known(block.name, len(self._calls))
        args = arguments(block, path, self._loss)
        call: Members = {**ids.given(block.id), "name": block.name, "args": args}
        part: Members = {"functionCall": call, **self._proof(block.proof, path)}
        parts.append(jsontext.merged(part, _raw(self._loss.keep(block.extra, path))))

    def _result(self, content: _Content, block: ToolResult, path: str) -> None:
        """Before those results of calls that came later."""
        known = self._calls.get(block.call_id)
        place = known.place if known is not None else len(self._calls)
        at = bisect_right(content.places, place)
        part = self._answer(block, known, path)
        content.parts.insert(len(content.parts) - len(content.places) + at, part)
        content.places.insert(at, place)

    def _answer(self, block: ToolResult, known: _Known | None, path: str) -> Members:
        extra = dict(block.extra)
        name = extra.pop("functionResponse.name", None) if known is None else jsontext.raw(known.name)
        if name is None or (not self._loss.own and known is None):
            name = jsontext.raw(block.call_id)
            self._loss.add(f"{path}.name")
        answer: Members = {**ids.given(block.call_id), "name": name, "response": response(block)}
        more = [part for part in self._pieces(block, path) if part]
        if more:
            answer["parts"] = more
        return jsontext.merged({"functionResponse": answer}, _raw(self._loss.keep(extra, path)))

    def _pieces(self, result: ToolResult, path: str) -> list[Members]:
        """What of a result is no text, whose words stand in the response."""
        found: list[Members] = []
        for at, block in enumerate(result.blocks):
            where = f"{path}.content[{at}]"
            if isinstance(block, Opaque):
                self._loss.add(where)
            elif isinstance(block, Text):
                self._loss.lose(block.extra, where)
            else:
                self._media(found, block, where)
        return found

    def _media(self, parts: list[Members], block: media.Media, path: str) -> None:
        part = media.part(block)
        if part is None:
            self._loss.add(path)
            return
        if isinstance(block, Image) and block.detail not in (None, "auto"):
            self._loss.add(f"{path}.detail")
        if isinstance(block, File) and block.filename is not None and media.BY_URI in part:
            part = jsontext.merged(part, self._uri_named(block.filename, path))
        parts.append(jsontext.merged(part, _raw(self._loss.keep(block.extra, path))))

    def _uri_named(self, name: str, path: str) -> dict[str, msgspec.Raw]:
        """Only Gemini's own clients may name what stands at a URI."""
        if self._loss.own:
            return {media.BY_URI: jsontext.raw({"displayName": name})}
        self._loss.add(f"{path}.filename")
        return {}

    def _opaque(self, parts: list[Members], block: Opaque, path: str) -> None:
        if not carrier.trusted(block, NAME, self._domain):
            self._loss.add(path)
        elif block.form == proofs.WHOLE:
            parts.append(dict(jsontext.members(block.payload)))
        elif block.form == proofs.PART:
            self._onto(parts, block, path)
        else:
            parts.append({"text": "", SIGNATURE: block.payload})

    def _onto(self, parts: list[Members], block: Opaque, path: str) -> None:
        """The signature of a picture: behind what proves itself, or has a signature, the picture is gone."""
        if not parts or parts[-1].keys() & _PROVING:
            self._loss.add(path)
        else:
            parts[-1][SIGNATURE] = block.payload

    def _proof(self, proof: Opaque | None, path: str) -> Members:
        if proof is None:
            return {}
        if carrier.trusted(proof, NAME, self._domain):
            return {SIGNATURE: proof.payload}
        self._loss.add(f"{path}.proof")
        return {}

    def _sign(self, parts: list[Members]) -> None:
        """The first call of a turn must be signed; where nobody did, another model made it, or an older one."""
        first = next((part for part in parts if "functionCall" in part), None)
        if self._signs and first is not None:
            first.setdefault(SIGNATURE, proofs.SKIP)


def _raw(extra: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    return {name: jsontext.raw(value) for name, value in nested(extra).items()}
