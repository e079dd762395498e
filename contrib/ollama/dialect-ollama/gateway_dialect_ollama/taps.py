"""Reading along while an upstream's bytes pass through. Each line is one JSON text, and small."""

from __future__ import annotations

from gateway import GatewayError, Tap, UpstreamBroken
from gateway.wire import jsontext, lines
from gateway.wire.bodies import BodyTap

from . import refusals
from .wire import Chunk, decode


class _ChunkTap(Tap):
    def look(self, text: bytes) -> Chunk | None:
        """None for what is no reply."""
        try:
            chunk = decode(text)
        except UpstreamBroken:
            return None
        self.model = self.model or chunk.model
        self.usage = chunk.usage() or self.usage
        if chunk.failed:
            self.failed = self.failed or refusals.in_band(jsontext.loaded(chunk.error))
        return chunk


class StreamTap(_ChunkTap):
    def __init__(self) -> None:
        self._splitter = lines.Splitter()
        self._gap = b""

    def feed(self, data: bytes) -> bytes:
        block = self._splitter.whole(data)
        self._read(block)
        return block

    def fail(self, error: GatewayError) -> bytes:
        return self._gap + lines.frame(refusals.encode(error))

    def finish(self) -> bytes:
        """Half a line goes out too; what may follow it in-band must not become part of it."""
        rest = self._splitter.rest()
        if rest:
            self._read(rest)
            self._gap = b"\n"
        return rest

    def _read(self, block: bytes) -> None:
        for text in lines.texts(block):
            chunk = self.look(text)
            if chunk is not None:
                self.output_bytes += size(chunk)
                self.complete = self.complete or chunk.done


class WholeTap(_ChunkTap, BodyTap):
    """output_bytes: all bytes until the reply is whole, then those of what the model said."""

    def read(self, body: bytes) -> None:
        chunk = self.look(body)
        if chunk is not None:
            self.complete = chunk.done or chunk.message is not None or chunk.response is not None
            self.output_bytes = size(chunk)


def size(chunk: Chunk) -> int:
    """Bytes of what the model said."""
    said = chunk.said()
    text = f"{said.thinking or ''}{said.content or ''}"
    arguments = sum(len(bytes(call.function.arguments)) for call in said.tool_calls or ())
    return len(text.encode("utf-8", "replace")) + arguments
