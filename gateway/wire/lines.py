"""JSON lines (NDJSON) framing, both ways, sans-IO: one JSON text a line.

Lines end with LF, or CRLF, whose CR is white space to JSON; JSON itself writes neither unescaped. Empty lines say
nothing. The last line may come without its end, so `Splitter.rest` gives what is left.
"""

from __future__ import annotations

from ..errors import UpstreamBroken

CONTENT_TYPE = "application/x-ndjson"
LINE_LIMIT = 16 * 2**20


class Splitter:
    """Cuts a byte stream at line ends, whatever the split of the reads. Bytes are kept as they came.

    limit: bytes of one line at most; more raises UpstreamBroken.
    """

    __slots__ = ("_limit", "_tail")

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._tail = bytearray()
        self._limit = limit

    def whole(self, data: bytes) -> bytes:
        """All whole lines so far in one piece; b"" while there is none."""
        end = data.rfind(b"\n") + 1
        found = bytes(self._tail) + data[:end] if end else b""
        if end:
            self._tail.clear()
        self._tail += data[end:]
        if len(self._tail) > self._limit:
            self._tail.clear()
            raise UpstreamBroken("The upstream sent a line that is too long.")
        return found

    def rest(self) -> bytes:
        """What is left without a line end."""
        tail = bytes(self._tail)
        self._tail.clear()
        return tail


def texts(block: bytes) -> list[bytes]:
    """The JSON texts of a block of lines, without their ends; empty lines are left out."""
    return [text for line in block.split(b"\n") if (text := line.strip())]


def frame(text: bytes) -> bytes:
    """One line of a compact JSON text."""
    return text + b"\n"
