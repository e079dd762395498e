"""Reads along while a reply passes through: its end, usage, id and errors. Bytes stay as they are.

The one exception is `restore.py`: an agent's instructions, echoed by the upstream, are not the client's to read.

What is to be known stands in a stream's first event and its last ones: of a long block no others are looked into.
`output_bytes` is the text of all deltas as it stands there, a token at least for each; where there was none, that of
the finished items. Reasoning that an upstream keeps to itself is not in it.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from gateway import Encoded, GatewayError, Inbound, Tap, UpstreamBroken, sse
from gateway.wire.jsontext import UNREADABLE, mended
from gateway.wire.outputs import OutputSize

from .errors import NOTHING, in_band, is_error, words
from .events import ErrorEvent, framed
from .restore import KEY, clients_own, restored_body, restored_event
from .usage import decode_usage

TERMINAL = frozenset(f"response.{end}" for end in ("completed", "failed", "incomplete", "cancelled", "done"))
"""The last is OpenRouter's."""
LAST = 8
"""Events of a block that are looked for an end: an error, the terminal event, [DONE], and comments between them."""
SAMPLE = 2**13
"""Bytes of a stream whose deltas are measured."""
_DELTA = re.compile(rb'"delta"\s*:\s*"((?:[^"\\]++|\\.)++)', re.DOTALL).findall
_SIGNALS = (b'"response"', b'"error"', b"event: error", b"event:error", b"[DONE]")
_NUMBER = re.compile(rb'"sequence_number"\s*:\s*(\d{1,15})')
_TAIL = 2048


class _Reply(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    status: str | None = None
    object: str | None = None
    usage: Raw = Raw(b"null")
    error: Raw = Raw(b"null")
    output: Raw = Raw(b"null")


class _Part(msgspec.Struct):
    text: str | None = None
    refusal: str | None = None


class _Item(msgspec.Struct):
    """The members of all sorts of item in which a model speaks."""

    content: list[_Part] | None = None
    summary: list[_Part] | None = None
    arguments: Raw = Raw(b"")
    input: str | None = None
    code: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    object: str | None = None
    response: _Reply | None = None
    error: Raw = Raw(b"null")


_EVENT = msgspec.json.Decoder(_Event)
_ITEM = msgspec.json.Decoder(_Item)
_ITEMS = msgspec.json.Decoder(list[Raw] | None)
_REPLY = msgspec.json.Decoder(_Reply)


def tap_for(stream: bool, encoded: Encoded, inbound: Inbound) -> Tap:
    own = clients_own(encoded, inbound.body)
    return StreamTap(own) if stream else WholeTap(own)


class _ReplyTap(Tap):
    def __init__(self, own: bytes | None) -> None:
        self._own = own

    def _learn(self, reply: _Reply) -> None:
        self.response_id = reply.id or self.response_id
        self.model = reply.model or self.model
        self.usage = decode_usage(reply.usage) or self.usage

    def _blame(self, error: bytes) -> None:
        if self.failed is None or isinstance(self.failed, UpstreamBroken):
            self.failed = in_band(words(error))


class StreamTap(_ReplyTap):
    def __init__(self, own: bytes | None) -> None:
        super().__init__(own)
        self._splitter = sse.Splitter()
        self._tail = b""
        self._size = OutputSize(_DELTA, SAMPLE)

    def feed(self, data: bytes) -> bytes:
        block = self._splitter.whole(data)
        return self._passed(block) if block else block

    def finish(self) -> bytes:
        """The last event may lack its blank line. Half an event is given, unless it may hold what must be hidden."""
        rest = self._splitter.rest()
        hidden = self._own is not None and not _whole(rest)
        return self._passed(rest) if rest and not hidden else b""

    def fail(self, error: GatewayError) -> bytes:
        numbers = _NUMBER.findall(self._tail)
        event = ErrorEvent.of(error)
        event.sequence_number = int(numbers[-1]) + 1 if numbers else 0
        ended = not self._tail or self._tail.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))
        return framed(event) if ended else b"\n\n" + framed(event)

    def _passed(self, block: bytes) -> bytes:
        self.output_bytes = self._size.add(block)
        start = sse.last_events(block, LAST) if self.response_id is not None else 0
        if _signals(block, start):
            for event in sse.events(block[start:]):
                if _signals(event, 0):
                    self._read(event)
        if self._own is not None and KEY in block:
            block = b"".join([restored_event(event, self._own) for event in sse.events(block)])
        self._tail = block[-_TAIL:]
        return block

    def _read(self, event: bytes) -> None:
        payload = sse.data(event)
        if payload == b"[DONE]":
            self.complete = True
            return
        try:
            found = _decoded(payload)
        except UNREADABLE:
            return
        self._note(found, payload, sse.named(event) == b"error")

    def _note(self, found: _Event, payload: bytes, named_error: bool) -> None:
        if found.response is not None:
            self._learn(found.response)
        if found.type in TERMINAL:
            self.complete = True
            self.output_bytes = self.output_bytes or _said(found.response)
        if named_error or is_error(found.type, found.object, found.error):
            self._blame(payload)
        elif found.type == "response.failed":
            self._blame(b"" if found.response is None else bytes(found.response.error))


class WholeTap(_ReplyTap):
    """An unstreamed reply. It is held back only where its `instructions` must be put back.

    output_bytes: all bytes until the reply is whole, then those of what the model said, where usage is not told.
    """

    def __init__(self, own: bytes | None) -> None:
        super().__init__(own)
        self._body: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        self._body.append(data)
        self.output_bytes += len(data)
        return data if self._own is None else b""

    def finish(self) -> bytes:
        body = b"".join(self._body)
        self._body.clear()
        try:
            reply = _REPLY.decode(body)
        except UNREADABLE:
            return self._given(body)
        self._learn(reply)
        self.complete = True
        if self.usage is None:
            self.output_bytes = _said(reply)
        if reply.status == "failed" or bytes(reply.error) not in NOTHING:
            self._blame(bytes(reply.error))
        elif reply.object == "error":
            self._blame(body)
        return self._given(body)

    def _given(self, body: bytes) -> bytes:
        return b"" if self._own is None else restored_body(body, self._own)

    def fail(self, error: GatewayError) -> bytes:
        """A body has no room for it: the connection must break."""
        return b""


def _said(reply: _Reply | None) -> int:
    """Bytes of what the model said in finished items; nothing for one that cannot be read."""
    try:
        items = _ITEMS.decode(reply.output) if reply is not None else None
    except UNREADABLE:
        return 0
    return sum(_said_in(item) for item in items or ())


def _said_in(item: Raw) -> int:
    try:
        known = _ITEM.decode(item)
    except UNREADABLE:
        return 0
    texts = [part.text or part.refusal or "" for part in (*(known.content or ()), *(known.summary or ()))]
    texts += [known.input or "", known.code or ""]
    return len("".join(texts).encode()) + len(memoryview(known.arguments))


def _signals(block: bytes, start: int) -> bool:
    """Whether an event with a response, an error or the end stands from there on.

    Inside a JSON text these quotes would be escaped, so a delta that speaks of them is never taken for one.
    """
    return any(block.find(signal, start) >= 0 for signal in _SIGNALS)


def _decoded(payload: bytes) -> _Event:
    try:
        return _EVENT.decode(payload)
    except msgspec.DecodeError:
        return _EVENT.decode(mended(payload))


def _whole(rest: bytes) -> bool:
    payload = sse.data(rest)
    if not payload or payload == b"[DONE]":
        return payload == b"[DONE]" or rest.startswith(b":")
    try:
        _decoded(payload)
    except UNREADABLE:
        return False
    return True
