"""The blocks of a message to Bedrock's content blocks."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from gateway import Audio, Block, Extra, File, Image, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult, carrier
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import media
from .families import Family
from .names import NAME, REDACTED, THINKING, Titles, word

CACHE_CONTROL = "cache_control"
CACHED = frozenset((CACHE_CONTROL,))
"""The extra members that have a place here: as a cache point."""
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])


class ContentWriter:
    """domain: whose opaque state the upstream reads."""

    def __init__(self, domain: str, family: Family, loss: Loss) -> None:
        self._domain = domain
        self._family = family
        self._loss = loss
        self._titles = Titles()

    def blocks(self, blocks: Sequence[Block], path: str) -> list[Members]:
        return [part for at, block in enumerate(blocks) for part in self._block(block, f"{path}[{at}]")]

    def cache_point(self, extra: Extra, where: str, path: str) -> list[Members]:
        """A cache point behind what has a `cache_control`, where the family keeps a cache of such places."""
        control = extra.get(CACHE_CONTROL)
        if control is None or self._loss.own or jsontext.is_null(control):
            return []
        told = jsontext.members(control)
        if where not in self._family.caches or _text(told.get("type")) != "ephemeral":
            self._loss.add(f"{path}.{CACHE_CONTROL}" if path else CACHE_CONTROL)
            return []
        point: Members = {"type": "default"}
        ttl = _text(told.get("ttl"))
        if ttl is not None and self._family.hour:
            point["ttl"] = ttl
        elif ttl not in (None, "5m"):
            self._loss.add(f"{path}.{CACHE_CONTROL}.ttl" if path else f"{CACHE_CONTROL}.ttl")
        return [{"cachePoint": point}]

    def _block(self, block: Block, path: str) -> list[Members]:
        match block:
            case Text():
                return self._text(block, path)
            case Reasoning():
                return self._reasoning(block, path)
            case Refusal():
                return [{"text": block.text}] if block.text.strip() else []
            case ToolCall():
                return self._call(block, path)
            case ToolResult():
                return self._result(block, path)
            case Opaque():
                return self._opaque(block, path)
        return self._media(block, path)

    def _text(self, block: Text, path: str) -> list[Members]:
        """Bedrock refuses blank text."""
        if block.proof is not None:
            self._loss.add(f"{path}.proof")
        extra = self._loss.keep(block.extra, path, CACHED)
        written: list[Members] = [{"text": block.text, **extra}] if block.text.strip() or self._loss.own else []
        return written + (self.cache_point(block.extra, "messages", path) if written else [])

    def _reasoning(self, block: Reasoning, path: str) -> list[Members]:
        """Thoughts go back with the proof that this upstream gave for them, or not at all."""
        proof = block.proof
        if proof is not None and carrier.trusted(proof, NAME, self._domain) and not block.summary:
            if proof.form == THINKING:
                text: Members = {"text": block.text, "signature": proof.payload}
                return [{"reasoningContent": {"reasoningText": text}}]
            if proof.form == REDACTED:
                return [{"reasoningContent": {"redactedContent": proof.payload}}]
        if proof is None and self._loss.own:
            return [{"reasoningContent": {"reasoningText": {"text": block.text}}}]
        self._loss.add(path)
        return []

    def _call(self, block: ToolCall, path: str) -> list[Members]:
        if block.proof is not None:
            self._loss.add(f"{path}.proof")
        extra = self._loss.keep(block.extra, path, CACHED)
        use: Members = {"toolUseId": block.id, "name": block.name, "input": self._input(block, path), **extra}
        if not self._loss.own:
            use |= {"toolUseId": word(block.id), "name": word(block.name)}
        return [{"toolUse": use}, *self.cache_point(block.extra, "messages", path)]

    def _input(self, block: ToolCall, path: str) -> Raw:
        """Bedrock takes an object alone; other text goes into one."""
        text = block.arguments.strip()
        if not text:
            return Raw(b"{}")
        if block.kind == "function":
            if (whole := _object(text)) is not None:
                return whole
            self._loss.add(f"{path}.arguments")
        return jsontext.raw({"input": block.arguments})

    def _result(self, block: ToolResult, path: str) -> list[Members]:
        extra = self._loss.keep(block.extra, path, CACHED)
        content = [part for at, one in enumerate(block.blocks) for part in self._within(one, f"{path}.content[{at}]")]
        name = block.call_id if self._loss.own else word(block.call_id)
        result: Members = {"toolUseId": name, "content": content, **extra}
        if block.is_error:
            result["status"] = "error"
        return [{"toolResult": result}, *self.cache_point(block.extra, "messages", path)]

    def _within(self, block: Text | Image | File | Audio | Opaque, path: str) -> list[Members]:
        """Of a tool's result: no audio, and no cache point of its own."""
        if isinstance(block, Audio):
            self._loss.add(path)
            return []
        if CACHE_CONTROL in getattr(block, "extra", {}) and not self._loss.own:
            self._loss.add(f"{path}.{CACHE_CONTROL}")
        return [part for part in self._block(block, path) if "cachePoint" not in part or self._loss.own]

    def _opaque(self, block: Opaque, path: str) -> list[Members]:
        """Whole content blocks of this dialect, and redacted thoughts where they stand alone."""
        if carrier.trusted(block, NAME, self._domain):
            if block.form == REDACTED:
                return [{"reasoningContent": {"redactedContent": block.payload}}]
            if self._loss.own:
                return [{block.form: block.payload}]
        self._loss.add(path)
        return []

    def _media(self, block: Image | File | Audio, path: str) -> list[Members]:
        if isinstance(block, Image):
            written = media.image(block, path, self._loss)
        elif isinstance(block, File):
            written = media.file(block, path, self._titles, self._loss)
        else:
            written = media.audio(block, path, self._loss)
        if written is None:
            return []
        self._loss.keep(block.extra, path, CACHED | media.known(block))
        return [written, *self.cache_point(block.extra, "messages", path)]


def _object(text: str) -> Raw | None:
    """A JSON object as it is spelt; None where the text is none."""
    try:
        _MEMBERS.decode(text)
        return Raw(text.encode())
    except jsontext.UNREADABLE:
        return None


def _text(value: Raw | None) -> str | None:
    found = jsontext.loaded(value) if value is not None and jsontext.first(value) == b'"' else None
    return found if isinstance(found, str) else None
