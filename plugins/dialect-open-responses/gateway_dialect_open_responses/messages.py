"""Messages on a WebSocket: `response.create`, and what is no event of a stream. The events are as in a stream."""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from gateway import BadCall
from gateway.wire.jsontext import UNREADABLE, encode, members, raw
from gateway.wire.members import FLAG, TEXT, Members, parsed

KIND = "response.create"
OF_HTTP = ("stream", "stream_options", "background")
"""Members that a message must not have."""
_LANE = re.compile(r"[A-Za-z0-9_.-]{1,256}")
ENDS = ("completed", "incomplete", "failed", "cancelled")


class _Outline(msgspec.Struct):
    stream_id: object = None
    previous_response_id: object = None


_OUTLINE = msgspec.json.Decoder(_Outline)


def turn(message: bytes) -> tuple[bytes, bool]:
    """The body of the call that a message is, and whether anything is to be generated. Raises BadCall."""
    asked = Members(parsed(message))
    if asked.take("type", TEXT) != KIND:
        raise asked.wrong("type", f"must be {KIND}")
    for name in OF_HTTP:
        if asked.seen(name) is not None:
            raise BadCall(f"`{name}` is not for messages on a WebSocket.", param=name, code="unsupported_parameter")
    generates = asked.take("generate", FLAG) is not False
    asked.take("stream_id", TEXT)
    return encode(asked.rest() | {"stream": Raw(b"true")}), generates


def lane(message: bytes) -> str:
    """Raises BadCall where its name is none; what is no call is told by `turn`."""
    try:
        name = _OUTLINE.decode(message).stream_id
    except UNREADABLE:
        return ""
    if name is None:
        return ""
    if not isinstance(name, str) or not _LANE.fullmatch(name):
        raise BadCall(
            "`stream_id` takes up to 256 letters, digits, `_`, `-` and `.`.",
            param="stream_id",
            code="invalid_stream_id",
        )
    return name


def in_lane(message: bytes, name: str) -> bytes:
    return message.rstrip()[:-1] + b',"stream_id":%b}' % encode(name)


def continued(message: bytes) -> str:
    """What it asks to continue, as far as it can be read."""
    try:
        name = _OUTLINE.decode(message).previous_response_id
    except UNREADABLE:
        return ""
    return name if isinstance(name, str) else ""


def as_message(status: int, body: bytes) -> bytes:
    """An error in its envelope; or, of an upstream that does not stream, the whole reply as its last event."""
    found = members(body)
    if status != 200:
        return encode({"type": "error", "status": status, "error": found.get("error", raw({}))})
    ended = bytes(found.get("status", Raw(b""))).decode("utf-8", "replace").strip('"')
    kind = ended if ended in ENDS else "completed"
    return encode({"type": f"response.{kind}", "sequence_number": 0, "response": Raw(body)})
