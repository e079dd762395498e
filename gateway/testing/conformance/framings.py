"""How streams are framed, as far as the checks must know it: server-sent events, and JSON lines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from ... import sse
from ...wire import lines


class StreamFraming(ABC):
    """media_type: of such a stream. junk: pieces that are no part of any reply. half: begins a piece, no more."""

    media_type: str
    junk: Sequence[bytes]
    half: bytes

    @abstractmethod
    def cut(self, body: bytes) -> list[bytes]:
        """The pieces of a stream, each with its end."""

    @abstractmethod
    def text(self, piece: bytes) -> bytes:
        """What a piece says, as JSON."""

    @abstractmethod
    def ended(self, data: bytes) -> bool:
        """Whether nothing of it is half a piece."""

    @abstractmethod
    def variants(self, body: bytes) -> Iterator[bytes]:
        """The same stream as upstreams write it too."""


class Events(StreamFraming):
    media_type = "text/event-stream"
    junk = (
        b"data: {\n\n",
        b"data: null\n\n",
        b"data: []\n\n",
        b"data: 7\n\n",
        b"\xff\xfe\n\n",
        b": comment\n\n",
        b"\n",
        b'data: {"choices": 7, "type": [], "candidates": "x"}\n\n',
        b'data: {"error": {"message": "Oh no"}}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n',
    )
    half = b"data: {"

    def cut(self, body: bytes) -> list[bytes]:
        return sse.events(body)

    def text(self, piece: bytes) -> bytes:
        return sse.data(piece)

    def ended(self, data: bytes) -> bool:
        return data.endswith((b"\n\n", b"\r\n\r\n"))

    def variants(self, body: bytes) -> Iterator[bytes]:
        """LF, CRLF, comments, no blank line at the end."""
        lf = body.replace(b"\r\n", b"\n")
        crlf = lf.replace(b"\n", b"\r\n")
        yield from (lf, crlf, lf.replace(b"\n\n", b"\n\n: PROCESSING\n\n"))
        yield from (lf.removesuffix(b"\n\n"), crlf.removesuffix(b"\r\n"))


class Lines(StreamFraming):
    media_type = lines.CONTENT_TYPE
    junk = (
        b"{\n",
        b"null\n",
        b"[]\n",
        b"7\n",
        b"\xff\xfe\n",
        b"\n",
        b"oops\n",
        b'{"message": 7, "choices": "x", "done": []}\n',
        b'{"error": {"message": "Oh no"}}\n',
        b'{"message": {"content": "\\ud83d"}}\n',
    )
    half = b"{"

    def cut(self, body: bytes) -> list[bytes]:
        return body.splitlines(keepends=True)

    def text(self, piece: bytes) -> bytes:
        return piece.strip()

    def ended(self, data: bytes) -> bool:
        return data.endswith(b"\n")

    def variants(self, body: bytes) -> Iterator[bytes]:
        """LF, CRLF, empty lines, no end of the last line."""
        lf = body.replace(b"\r\n", b"\n")
        crlf = lf.replace(b"\n", b"\r\n")
        yield from (lf, crlf, lf.replace(b"\n", b"\n\n"), lf.removesuffix(b"\n"), crlf.removesuffix(b"\r\n"))


FRAMINGS: dict[str, StreamFraming] = {"sse": Events(), "lines": Lines()}
"""By the names that `Envelope.framing` has."""


def framing_of(name: str) -> StreamFraming:
    """Raises AssertionError for one that the kit cannot read; dialects with it check that by themselves."""
    assert name in FRAMINGS, f"the client half asks for the framing `{name}`; let it ask for one of {list(FRAMINGS)}"
    return FRAMINGS[name]


def framing_like(media_type: str) -> StreamFraming | None:
    """The framing of a stream of this media type; None for what is no stream."""
    return next((framing for framing in FRAMINGS.values() if framing.media_type == media_type), None)
