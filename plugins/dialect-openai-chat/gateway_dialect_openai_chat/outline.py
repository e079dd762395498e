"""A client's body, peeked at: model, stream and limits, without parsing the messages."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import Envelope
from gateway.wire.members import ARRAY, FLAG, INTEGER, TEXT
from gateway.wire.outlines import outlined

from .fields import parse


class Outline(msgspec.Struct):
    messages: list[Raw]
    model: str | None = None
    stream: bool | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    n: int | None = None


_OUTLINE = msgspec.json.Decoder(Outline)


def peek(body: bytes) -> Envelope:
    """Raises BadCall where the body is not UTF-8, not JSON, or not an object with messages."""
    outline = outlined(body, _OUTLINE, _explained)
    limit = outline.max_completion_tokens
    return Envelope(
        model=outline.model or None,
        stream=bool(outline.stream),
        max_output=limit if limit is not None else outline.max_tokens,
        choices=max(outline.n or 1, 1),
    )


def _explained(body: bytes) -> Outline:
    """The same, slowly: each member by itself, so that the error names it."""
    fields = parse(body)
    return Outline(
        messages=fields.need("messages", ARRAY),
        model=fields.take("model", TEXT),
        stream=fields.take("stream", FLAG),
        max_completion_tokens=fields.take("max_completion_tokens", INTEGER),
        max_tokens=fields.take("max_tokens", INTEGER),
        n=fields.take("n", INTEGER),
    )
