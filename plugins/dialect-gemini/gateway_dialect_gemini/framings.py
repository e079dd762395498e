"""A stream's chunks in either framing: server-sent events, or a JSON array. The first byte tells which.

Source: Google frames events with CRLF; its SDKs fail on comments and know no `[DONE]`.
"""

from __future__ import annotations

from gateway import UpstreamBroken, sse
from gateway.wire import jsontext

from . import arrays

SSE_TYPE, ARRAY_TYPE = "text/event-stream", "application/json; charset=UTF-8"
_SPACE = b" \t\r\n"
_DONE = b"[DONE]"
_MOST_BLANKS = 2**16
"""Before a stream begins."""


class Frames:
    """Cuts a reply into pieces that hold one chunk each; together they are all that came.

    array: whether it is an array, None while nothing has come.
    """

    __slots__ = ("_array", "_events", "_held", "array")

    def __init__(self) -> None:
        self._held = b""
        self._events = sse.Splitter()
        self._array = arrays.Splitter()
        self.array: bool | None = None

    @property
    def ended(self) -> bool:
        """Whether the framing itself is whole: an array has to be closed."""
        return not self.array or self._array.ended

    def whole(self, data: bytes) -> list[bytes]:
        """Raises UpstreamBroken where a chunk is too large."""
        if self.array is None:
            data = self._held + data
            first = data.lstrip(_SPACE)[:1]
            if not first:
                if len(data) > _MOST_BLANKS:
                    raise UpstreamBroken("The upstream sent nothing but blanks.")
                self._held = data
                return []
            self._held, self.array = b"", first in b"[{"
        if self.array:
            return self._array.whole(data)
        block = self._events.whole(data)
        return sse.events(block) if block else []

    def rest(self) -> bytes:
        """What was held back at the end: an event without a blank line, a closing bracket, half of either."""
        held, self._held = self._held, b""
        return held + (self._array.rest() if self.array else self._events.rest())

    def payload(self, piece: bytes) -> bytes:
        """A piece's JSON; b"" where it has none. Errors may stand between events without `data:`."""
        if self.array:
            return piece.lstrip(b"[,]" + _SPACE)
        found = sse.data(piece) or (piece if piece.lstrip(_SPACE).startswith(b"{") else b"")
        return b"" if found.strip() == _DONE else found


def event(payload: bytes) -> bytes:
    if b"\n" in payload or b"\r" in payload:
        payload = jsontext.one_line(payload)
    return b"data: %b\r\n\r\n" % payload


def element(payload: bytes, first: bool) -> bytes:
    return (b"[" if first else b",\r\n") + payload


def last_words(payload: bytes, array: bool, first: bool) -> bytes:
    """A failure as the last chunk; it closes an array."""
    return element(payload, first) + b"]" if array else event(payload)


def listed(body: bytes) -> list[bytes]:
    """The chunks of a whole body: itself, or the elements of an array."""
    if not body.lstrip(_SPACE).startswith(b"["):
        return [body]
    found = jsontext.objects(body)
    return [jsontext.encode(one) for one in found]
