"""What upstreams send: events of a stream, and whole messages. What is rare is read again, by member."""

from __future__ import annotations

from msgspec import Struct

from gateway.wire.shapes import Shape

from .usages import WireUsage


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


EVENT = Shape(Event, "a message")
WHOLE = Shape(Whole, "a message")
TAIL = Shape(Tail, "a message")
