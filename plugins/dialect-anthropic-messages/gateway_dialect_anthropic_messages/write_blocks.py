"""Blocks to content of the vendor's. What it would refuse is left out, and told."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from msgspec import Raw

from gateway import (
    Audio,
    Block,
    File,
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    carrier,
)
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import inputs, state, write_sources
from .names import NAME

Content = Members | Raw
_ID = re.compile(r"[a-zA-Z0-9_-]+")


def call_id(name: str) -> str:
    """A call's id as the vendor takes it. The same name always gives the same id."""
    if _ID.fullmatch(name):
        return name
    return "toolu_" + hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:24]


class BlockWriter:
    """domain: whose opaque state the upstream reads."""

    def __init__(self, domain: str, loss: Loss) -> None:
        self._domain = domain
        self._loss = loss

    def write(self, blocks: Sequence[Block], path: str, said: bool) -> list[Content]:
        """said: by the assistant, who may not show pictures."""
        found = [self._block(block, f"{path}.content[{at}]", said) for at, block in enumerate(blocks)]
        return [content for content in found if content is not None]

    def text(self, block: Text, path: str) -> Content | None:
        """The vendor refuses empty texts, which say nothing."""
        if block.proof is not None:
            self._loss.add(f"{path}.proof")
        extra = self._loss.keep(block.extra, path)
        if "type" in extra:
            return dict(extra)
        if not block.text and not self._loss.own:
            return None
        out: Members = {"type": "text", "text": block.text}
        return {**out, **self._cited(dict(extra), path)}

    def _block(self, block: Block, path: str, said: bool) -> Content | None:
        match block:
            case Text():
                return self.text(block, path)
            case Refusal():
                return {"type": "text", "text": block.text} if block.text else None
            case ToolCall():
                return self._call(block, path)
            case ToolResult():
                return self._result(block, path)
            case Reasoning():
                return self._reasoning(block, path)
            case Opaque():
                return self._opaque(block, path)
        return self._medium(block, path, said)

    def _medium(self, block: Image | File | Audio, path: str, said: bool) -> Content | None:
        if isinstance(block, Audio) or (said and not self._loss.own):
            self._loss.add(path)
            return None
        if isinstance(block, Image):
            return write_sources.image(block, path, self._loss)
        return write_sources.document(block, path, self._loss)

    def _cited(self, extra: Members, path: str) -> Members:
        """Without citations that came from another vendor: this one would refuse them."""
        given = extra.get("citations")
        if not isinstance(given, Raw) or carrier.MARK.encode() not in bytes(given):
            return extra
        mark = carrier.MARK.encode()
        kept = [one for one in jsontext.objects(given) if mark not in bytes(one.get("encrypted_index", b""))]
        self._loss.add(f"{path}.citations")
        return {**extra, "citations": kept} if kept else {n: v for n, v in extra.items() if n != "citations"}

    def _call(self, block: ToolCall, path: str) -> Content:
        given, whole = inputs.of(block.kind, block.arguments)
        if not whole:
            self._loss.add(f"{path}.arguments")
        if block.proof is not None:
            self._loss.add(f"{path}.proof")
        out: Members = {"type": "tool_use", "id": call_id(block.id), "name": block.name, "input": given}
        return {**out, **self._loss.keep(block.extra, path)}

    def _result(self, block: ToolResult, path: str) -> Content:
        out: Members = {"type": "tool_result", "tool_use_id": call_id(block.call_id)}
        parts = self.write(block.blocks, path, False)
        lone = block.blocks[0] if len(block.blocks) == 1 else None
        if parts:
            plain = isinstance(lone, Text) and parts == [{"type": "text", "text": lone.text}]
            out["content"] = lone.text if plain and isinstance(lone, Text) else parts
        if block.is_error:
            out["is_error"] = True
        return {**out, **self._loss.keep(block.extra, path)}

    def _reasoning(self, block: Reasoning, path: str) -> Content | None:
        """The vendor takes back what it has signed, as it signed it, and no other thoughts."""
        proof = block.proof
        if proof is None or not carrier.trusted(proof, NAME, self._domain):
            self._loss.add(path)
            return None
        extra = self._loss.keep(block.extra, path)
        if proof.form == state.REDACTED:
            return {"type": "redacted_thinking", "data": proof.payload, **extra}
        if proof.form == state.BLOCK:
            return self._opaque(proof, path)
        found = state.read_signed(proof)
        if found is None or proof.form != state.THINKING:
            self._loss.add(path)
            return None
        return {"type": "thinking", "thinking": found.thinking, "signature": found.signature, **extra}

    def _opaque(self, block: Opaque, path: str) -> Content | None:
        sent = state.sent_block(block, self._domain)
        if sent is None:
            self._loss.add(path)
        return sent
