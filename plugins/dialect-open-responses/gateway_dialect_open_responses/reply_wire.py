"""What upstreams send: a response object, and the events of a stream in one shape."""

from __future__ import annotations

from collections.abc import Container

import msgspec
from msgspec import Raw

from gateway.wire.jsontext import mended

from .mend import halves
from .reply_items import WirePart


class _Why(msgspec.Struct):
    reason: str | None = None


class Reply(msgspec.Struct):
    """A response object. Times are floats at some servers."""

    id: str | None = None
    model: str | None = None
    created_at: float | None = None
    completed_at: float | None = None
    status: str | None = None
    output: list[Raw] | None = None
    incomplete_details: _Why | None = None
    usage: Raw = Raw(b"null")
    error: Raw = Raw(b"null")


class WireEvent(msgspec.Struct):
    """All members of all events that are read."""

    type: str = ""
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    item_id: str | None = None
    delta: str | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: Raw = Raw(b"null")
    input: str | None = None
    item: Raw = Raw(b"")
    part: WirePart | None = None
    annotation: Raw = Raw(b"")
    logprobs: Raw = Raw(b"null")
    response: Raw = Raw(b"")
    object: str | None = None
    error: Raw = Raw(b"null")


class _Typed(msgspec.Struct):
    type: str = ""


_EVENT = msgspec.json.Decoder(WireEvent)
_TYPED = msgspec.json.Decoder(_Typed)
REPLY = msgspec.json.Decoder(Reply)


def event_of(payload: bytes, known: Container[str]) -> WireEvent:
    """Of an event that is not `known` its type, where the rest has another form. Raises one of UNREADABLE."""
    try:
        return _EVENT.decode(payload)
    except msgspec.ValidationError:
        kind = _TYPED.decode(payload).type
        if kind in known:
            raise
        return WireEvent(kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        event = _EVENT.decode(mended(payload))
        event.delta = halves(payload, "delta") if event.delta is not None else None
        return event


def readable(body: bytes) -> bytes:
    try:
        _TYPED.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return mended(body)
    return body
