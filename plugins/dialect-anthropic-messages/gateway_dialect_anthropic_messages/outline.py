"""A client's body, peeked at: model, stream and limit, without parsing the messages."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import Envelope
from gateway.wire.members import ARRAY, FLAG, INTEGER, TEXT, Members, parsed
from gateway.wire.outlines import outlined


class Outline(msgspec.Struct):
    messages: list[Raw]
    model: str | None = None
    stream: bool | None = None
    max_tokens: int | None = None


_OUTLINE = msgspec.json.Decoder(Outline)


def peek(body: bytes) -> Envelope:
    """Raises BadCall where the body is not UTF-8, not JSON, or not an object with messages."""
    outline = outlined(body, _OUTLINE, _explained)
    return Envelope(model=outline.model, stream=bool(outline.stream), max_output=outline.max_tokens)


def _explained(body: bytes) -> Outline:
    """The same, slowly: each member by itself, so that the error names it."""
    members = Members(parsed(body))
    return Outline(
        messages=members.need("messages", ARRAY),
        model=members.take("model", TEXT),
        stream=members.take("stream", FLAG),
        max_tokens=members.take("max_tokens", INTEGER),
    )
