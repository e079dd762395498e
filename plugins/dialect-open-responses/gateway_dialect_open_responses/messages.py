"""Messages on a WebSocket: `response.create`, and what is no event of a stream. The events are as in a stream."""

from __future__ import annotations

from msgspec import Raw

from gateway import BadCall
from gateway.wire.jsontext import encode, members, raw
from gateway.wire.members import TEXT, Members, parsed

KIND = "response.create"
OF_HTTP = ("stream", "stream_options", "background")
"""Members that a message must not have."""
ENDS = ("completed", "incomplete", "failed", "cancelled")


def turn(message: bytes) -> bytes:
    """The body of the call that a message is. Raises BadCall."""
    asked = Members(parsed(message))
    if asked.take("type", TEXT) != KIND:
        raise asked.wrong("type", f"must be {KIND}")
    for name in OF_HTTP:
        if asked.seen(name) is not None:
            raise BadCall(f"`{name}` is not for messages on a WebSocket.", param=name, code="unsupported_parameter")
    return encode(asked.rest() | {"stream": Raw(b"true")})


def as_message(status: int, body: bytes) -> bytes:
    """An error in its envelope; or, of an upstream that does not stream, the whole reply as its last event."""
    found = members(body)
    if status != 200:
        return encode({"type": "error", "status": status, "error": found.get("error", raw({}))})
    ended = bytes(found.get("status", Raw(b""))).decode("utf-8", "replace").strip('"')
    kind = ended if ended in ENDS else "completed"
    return encode({"type": f"response.{kind}", "sequence_number": 0, "response": Raw(body)})
