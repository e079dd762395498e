"""Content blocks to canonical ones, one after another or interleaved.

Text has no start event, so a block begins with what is first heard of it; proofs and images are told at its end.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Literal

import msgspec

from gateway import BlockDelta, BlockStart, BlockStop, Citation, Event, Image, Opaque, Reasoning, Text, ToolCall
from gateway.wire import jsontext
from gateway.wire.losses import Loss

from .names import NAME, REDACTED, THINKING

SERVER_TOOL = "server_tool_use"
Kind = Literal["text", "reasoning", "redacted", "call", "image"]


class _Open(msgspec.Struct):
    """index: None as long as the client has not heard of it. length: characters of text. pieces: of a proof or image.

    form: an image's.
    """

    kind: Kind
    index: int | None = None
    length: int = 0
    pieces: list[str] = []
    form: str = ""


class BlockReader:
    """Blocks are named by their `contentBlockIndex`. domain: whose the proofs are."""

    def __init__(self, domain: str, loss: Loss) -> None:
        self._domain = domain
        self._loss = loss
        self._next = 0
        self._open: dict[int, _Open] = {}

    def text(self, at: int, text: str, out: list[Event]) -> None:
        if text:
            block = self._begun(at, "text", Text(), out)
            block.length += len(text)
            out.append(BlockDelta(0, block.index or 0, text))

    def think(self, at: int, text: str, out: list[Event]) -> None:
        if text:
            block = self._begun(at, "reasoning", Reasoning(), out)
            out.append(BlockDelta(0, block.index or 0, text))

    def sign(self, at: int, signature: str, out: list[Event]) -> None:
        if signature:
            self._begun(at, "reasoning", Reasoning(), out).pieces.append(signature)

    def redact(self, at: int, content: str, out: list[Event]) -> None:
        if content:
            self._begun(at, "redacted", Reasoning(), out).pieces.append(content)

    def call(self, at: int, name: str, identity: str, kind: str | None, out: list[Event]) -> None:
        self.stop(at, out)
        call = ToolCall(identity or f"tooluse_{at}", name, executor="upstream" if kind == SERVER_TOOL else "client")
        self._begun(at, "call", call, out)

    def arguments(self, at: int, text: str, out: list[Event]) -> None:
        block = self._open.get(at)
        if block is None or block.kind != "call":
            self._loss.add("contentBlockDelta.delta.toolUse")
        elif text:
            block.length += len(text)
            out.append(BlockDelta(0, block.index or 0, text))

    def cite(self, at: int, citation: object, out: list[Event]) -> None:
        """It is of all that its block has said so far."""
        block = self._begun(at, "text", Text(), out)
        told = citation if isinstance(citation, dict) else {}
        url, title = _url(told), told.get("title")
        found = Citation(url, title if isinstance(title, str) else "", 0, block.length, jsontext.raw(citation))
        out.append(BlockDelta(0, block.index or 0, citation=found))

    def image(self, at: int, form: str | None, data: str, out: list[Event]) -> None:
        """A piece of it; each is base64 of its own."""
        block = self._open.get(at)
        if block is None or block.kind != "image":
            self.stop(at, out)
            block = self._open[at] = _Open("image")
        block.form = form or block.form
        block.pieces.append(data)

    def stop(self, at: int, out: list[Event]) -> None:
        block = self._open.pop(at, None)
        if block is None:
            return
        if block.kind == "image":
            self._show(at, block, out)
            return
        index = block.index or 0
        if block.kind == "call" and not block.length:
            out.append(BlockDelta(0, index, "{}"))
        if block.pieces:
            form = THINKING if block.kind == "reasoning" else REDACTED
            proof = "".join(block.pieces) if block.kind == "reasoning" else _joined(block.pieces)
            out.append(BlockDelta(0, index, proof=Opaque(NAME, form, jsontext.raw(proof), self._domain)))
        out.append(BlockStop(0, index))

    def finish(self, out: list[Event]) -> None:
        for at in list(self._open):
            self.stop(at, out)

    def _begun(self, at: int, kind: Kind, block: Text | Reasoning | ToolCall, out: list[Event]) -> _Open:
        found = self._open.get(at)
        if found is not None and found.kind == kind:
            return found
        self.stop(at, out)
        found = self._open[at] = _Open(kind, self._take())
        out.append(BlockStart(0, found.index or 0, block))
        return found

    def _show(self, at: int, block: _Open, out: list[Event]) -> None:
        """One that failed, or lies in a bucket, has no bytes."""
        data = _joined(block.pieces)
        if not data:
            self._loss.add(f"content[{at}].image")
            return
        index = self._take()
        media_type = f"image/{block.form}" if block.form else None
        out += [BlockStart(0, index, Image(data=data, media_type=media_type)), BlockStop(0, index)]

    def _take(self) -> int:
        self._next += 1
        return self._next - 1


def _joined(pieces: list[str]) -> str:
    """Pieces of base64 as one."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        return b64encode(b"".join(b64decode(piece) for piece in pieces)).decode()
    except ValueError:
        return "".join(pieces)


def _url(citation: dict[str, object]) -> str:
    """Its place on the web; of a search result that the client gave, its source where that is a URL."""
    location = citation.get("location")
    web = location.get("web") if isinstance(location, dict) else None
    url = web.get("url") if isinstance(web, dict) else None
    source = citation.get("source")
    if not isinstance(url, str) and isinstance(source, str) and source.startswith(("http://", "https://")):
        return source
    return url if isinstance(url, str) else ""
