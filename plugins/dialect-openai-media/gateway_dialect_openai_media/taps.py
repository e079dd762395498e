"""Reading along while an upstream's bytes pass through: one JSON text, a stream of events, or any other bytes.

output_bytes: of text that a model wrote, the ground for an estimate where no usage is told. Sound, images and vectors
are no text, so they count for nothing.
"""

from __future__ import annotations

import re

import msgspec

from gateway import GatewayError, Tap, UpstreamError, sse
from gateway.wire import jsontext

from . import refusals, usages

_EVENT_LINE = re.compile(rb"(?:\xef\xbb\xbf)?(?:(?:data|event|id|retry)?:|[\r\n{])")
_SHORTEST = len(b"\xef\xbb\xbfretry:")


class _Choice(msgspec.Struct):
    index: int = 0
    text: str | None = None
    finish_reason: str | None = None


class _Told(msgspec.Struct):
    """What is read of a JSON reply or of an event's data. text: of a transcription. delta: more of one."""

    id: str | None = None
    type: str | None = None
    model: str | None = None
    text: str | None = None
    delta: str | None = None
    choices: list[_Choice] | None = None
    usage: usages.WireUsage | None = None
    meta: usages.Meta | None = None
    error: object = None


_TOLD = msgspec.json.Decoder(_Told)


def tap_for(stream: bool, plain: bool, choices: int, hide_usage: bool) -> Tap:
    """plain: the reply is neither JSON nor events."""
    if plain:
        return BytesTap()
    return StreamTap(choices, hide_usage) if stream else WholeTap()


class BytesTap(Tap):
    """Sound, or plain text: whole once the upstream's framing says so. Nothing at all is no reply."""

    def __init__(self) -> None:
        self._any = False

    def feed(self, data: bytes) -> bytes:
        self._any = self._any or bool(data)
        return data

    def fail(self, error: GatewayError) -> bytes:
        """There is no room for words; the connection has to break."""
        return b""

    def finish(self) -> bytes:
        self.complete = self._any
        return b""


class WholeTap(Tap):
    """One JSON text."""

    def __init__(self) -> None:
        self._body = bytearray()

    def feed(self, data: bytes) -> bytes:
        self._body += data
        return data

    def fail(self, error: GatewayError) -> bytes:
        return b""

    def finish(self) -> bytes:
        told = _told(bytes(self._body))
        if told is None:
            return b""
        self.complete = True
        self.response_id, self.model = told.id, told.model
        self.usage = usages.read(told.usage, told.meta)
        texts = [told.text or "", *(choice.text or "" for choice in told.choices or ())]
        self.output_bytes = sum(len(text.encode("utf-8", "replace")) for text in texts)
        return b""


class StreamTap(Tap):
    """Events, or other bytes after all: the first ones say which.

    hide_usage: take out the chunk that only tells usage, since the client did not ask for it. Complete with `[DONE]`,
    with an event that says so (`….completed`, `….done`), or with all choices finished.
    """

    def __init__(self, choices: int, hide_usage: bool) -> None:
        self._splitter = sse.Splitter()
        self._choices = choices
        self._hide_usage = hide_usage
        self._events: bool | None = None
        self._first = b""
        self._gap = b""
        self._finished: set[int] = set()
        self._done = False

    def feed(self, data: bytes) -> bytes:
        if self._events is None:
            data, self._first = self._first + data, b""
            if len(data) < _SHORTEST:
                self._first = data
                return b""
            self._events = _EVENT_LINE.match(data) is not None
        return self._look(self._splitter.whole(data)) if self._events else data

    def fail(self, error: GatewayError) -> bytes:
        """Other bytes have no room for words; the connection has to break."""
        return self._gap + sse.frame(refusals.encode(error)) if self._events else b""

    def finish(self) -> bytes:
        """A half event goes out too; what may follow it in-band must not become part of it."""
        if not self._events:
            self.complete = self._events is False or bool(self._first)
            return self._first
        rest = self._splitter.rest()
        if rest:
            rest, self._gap = self._look(rest), b"\n\n"
        whole = self._done or len(self._finished) >= self._choices
        self.complete = whole or self.failed is not None
        return rest

    def _look(self, block: bytes) -> bytes:
        return b"".join([event for event in sse.events(block) if not self._hides(event)]) if block else block

    def _hides(self, event: bytes) -> bool:
        """Takes in what the event says; whether it is to be taken out."""
        payload = sse.data(event)
        if payload.strip() == b"[DONE]":
            self._done = self.complete = True
        elif sse.named(event) == b"error":
            self.failed = _error(payload)
        elif payload and (told := _told(payload)) is not None:
            return self._read(told, payload)
        return False

    def _read(self, told: _Told, payload: bytes) -> bool:
        self.response_id = self.response_id or told.id
        self.model = self.model or told.model
        self.usage = usages.read(told.usage, told.meta) or self.usage
        if told.error or told.type == "error":
            self.failed = _error(payload)
        if told.type is not None and told.type.endswith((".completed", "text.done", "audio.done")):
            self._done = self.complete = True
        texts = [told.delta or "" if told.type == "transcript.text.delta" else ""]
        for choice in told.choices or ():
            texts.append(choice.text or "")
            if choice.finish_reason:
                self._finished.add(choice.index)
        self.output_bytes += sum(len(text.encode("utf-8", "replace")) for text in texts)
        return self._hide_usage and told.choices == [] and told.usage is not None


def _told(payload: bytes) -> _Told | None:
    """What can be read of it; nothing where it is no JSON object, all defaults where its members are of other kinds."""
    try:
        return _TOLD.decode(payload)
    except jsontext.UNREADABLE:
        pass
    found = jsontext.anything(payload)
    if not isinstance(found, dict):
        return _Told() if isinstance(found, list) else None
    readable = {name: value for name, value in found.items() if _fits(name, value)}
    return msgspec.convert(readable, _Told, strict=False)


def _fits(name: str, value: object) -> bool:
    try:
        msgspec.convert({name: value}, _Told, strict=False)
    except jsontext.UNREADABLE:
        return False
    return True


def _error(payload: bytes) -> UpstreamError:
    return refusals.in_band(jsontext.anything(payload))
