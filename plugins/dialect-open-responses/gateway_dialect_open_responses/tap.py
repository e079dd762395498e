"""Reads along while a reply passes through: its end, usage, id and errors. Bytes stay as they are.

The one exception is `restore.py`: an agent's instructions, echoed by the upstream, are not the client's to read.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from gateway import Encoded, GatewayError, Inbound, Tap, UpstreamBroken, sse

from .errors import in_band, words
from .events import ErrorEvent, framed
from .members import UNREADABLE
from .mend import mended
from .restore import KEY, clients_own, restored_body, restored_event
from .usage import decode_usage

TERMINAL = frozenset(("response.completed", "response.failed", "response.incomplete", "response.cancelled"))
# Inside a JSON text these quotes would be escaped, so a delta that speaks of them is never taken for one.
_MARKS = (*(f'"{name}"'.encode() for name in sorted(TERMINAL)), b'"error"', b"[DONE]")
_CREATED = b'"response.created"'
_DELTA = re.compile(rb'"delta"\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)')
_NUMBER = re.compile(rb'"sequence_number"\s*:\s*(\d+)')
_TAIL = 2048


class _Reply(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    status: str | None = None
    usage: Raw = Raw(b"null")
    error: Raw = Raw(b"null")
    output: Raw = Raw(b"")


class _Event(msgspec.Struct):
    type: str = ""
    response: _Reply | None = None


_EVENT = msgspec.json.Decoder(_Event)
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
        self.output_bytes += sum(map(len, _DELTA.findall(block)))
        if any(mark in block for mark in _MARKS) or (self.response_id is None and _CREATED in block):
            for event in sse.events(block):
                self._read(event)
        if self._own is not None and KEY in block:
            block = b"".join([restored_event(event, self._own) for event in sse.events(block)])
        self._tail = block[-_TAIL:]
        return block

    def _read(self, event: bytes) -> None:
        if _CREATED not in event and not any(mark in event for mark in _MARKS):
            return
        payload = sse.data(event)
        if payload == b"[DONE]":
            self.complete = True
            return
        try:
            found = _decoded(payload)
        except UNREADABLE:
            return
        self._note(found, payload)

    def _note(self, found: _Event, payload: bytes) -> None:
        if found.response is not None:
            self._learn(found.response)
        self.complete = self.complete or found.type in TERMINAL
        if found.type == "error":
            self._blame(payload)
        elif found.type == "response.failed":
            self._blame(b"" if found.response is None else bytes(found.response.error))


class WholeTap(_ReplyTap):
    """An unstreamed reply. It is held back only where its `instructions` must be put back."""

    def __init__(self, own: bytes | None) -> None:
        super().__init__(own)
        self._body: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        self._body.append(data)
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
        self.output_bytes = len(memoryview(reply.output))
        if reply.status == "failed":
            self._blame(bytes(reply.error))
        return self._given(body)

    def _given(self, body: bytes) -> bytes:
        return b"" if self._own is None else restored_body(body, self._own)

    def fail(self, error: GatewayError) -> bytes:
        """A body has no room for it: the connection must break."""
        return b""


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
