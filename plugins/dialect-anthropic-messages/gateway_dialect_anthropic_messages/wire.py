"""What upstreams send: events of a stream, and whole messages. What is rare is read again, by member."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct

from gateway import UpstreamBroken
from gateway.wire import jsontext

from .usages import WireUsage

T = TypeVar("T")


class Delta(Struct, gc=False):
    """Of a block, or of the message at its end."""

    type: str = ""
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class Event(Struct):
    type: str = ""
    index: int = 0
    delta: Delta | None = None
    usage: WireUsage | None = None
    error: object = None


class Whole(Struct):
    """A message, unstreamed or as a stream begins with it."""

    type: str = ""
    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: WireUsage | None = None
    error: object = None


class Tail(Struct):
    """What a tap reads of an event or of a whole message."""

    type: str = ""
    id: str | None = None
    model: str | None = None
    message: Whole | None = None
    usage: WireUsage | None = None
    error: object = None


EVENT = msgspec.json.Decoder(Event)
WHOLE = msgspec.json.Decoder(Whole)
TAIL = msgspec.json.Decoder(Tail)


def decode(data: bytes, decoder: msgspec.json.Decoder[T], kind: type[T]) -> T:
    """What an upstream sent. Number strings and whole floats count as integers here. Raises UpstreamBroken."""
    try:
        return decoder.decode(data)
    except jsontext.UNREADABLE:
        return _lenient(data, kind)


def sound(payload: bytes) -> bytes:
    """Valid UTF-8: values that stay raw are looked into by nobody before they reach a client."""
    return payload if payload.isascii() else payload.decode("utf-8", "replace").encode()


def _lenient(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.convert(jsontext.loaded(data), kind, strict=False)
    except jsontext.UNREADABLE as error:
        raise UpstreamBroken("The upstream sent something that is not a message.") from error
