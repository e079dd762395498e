"""A client's body, peeked at: limits and candidates, without parsing the contents."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import Envelope, Inbound
from gateway.wire import jsontext
from gateway.wire.members import ARRAY
from gateway.wire.outlines import outlined

from .calls import WRAPPED
from .configs import CONFIG
from .fields import Fields, parse
from .names import COUNT, STREAM, plain, verb


class Limited(msgspec.Struct, rename="camel"):
    """snake_*: the same under their other names."""

    max_output_tokens: int | None = None
    candidate_count: int | None = None
    snake_output: int | None = msgspec.field(default=None, name="max_output_tokens")
    snake_count: int | None = msgspec.field(default=None, name="candidate_count")


class Outline(msgspec.Struct, rename="camel"):
    contents: list[Raw]
    generation_config: Limited | None = None
    snake_config: Limited | None = msgspec.field(default=None, name="generation_config")


_OUTLINE = msgspec.json.Decoder(Outline)


def peek(inbound: Inbound) -> Envelope:
    """Raises BadCall where the body is not UTF-8, not JSON, or not an object with contents."""
    found = outlined(inbound.body, _OUTLINE, _unread)
    limits = found.generation_config or found.snake_config
    limits = limits or _explained(inbound.body, verb(inbound.operation.path))
    choices = limits.candidate_count or limits.snake_count or 1
    return Envelope(
        model=model(inbound),
        stream=verb(inbound.operation.path) == STREAM,
        max_output=limits.snake_output if limits.max_output_tokens is None else limits.max_output_tokens,
        choices=min(max(choices, 1), 1000),
        framing="sse" if inbound.query.get("alt") == "sse" else "array",
    )


def model(inbound: Inbound) -> str | None:
    """The name in the path, as other dialects write it."""
    name = inbound.params.get("model")
    return None if name is None else plain(name)


def _unread(body: bytes) -> Outline:
    return Outline([])


def _explained(body: bytes, asked: str) -> Limited:
    """The same, slowly: each member by itself, under any of its names, so that an error says which."""
    fields = parse(body)
    if asked == COUNT and fields.seen(WRAPPED) is not None:
        fields = fields.needed_inner(WRAPPED)
    contents = fields.raw("contents")
    if contents is None:
        raise fields.wrong("contents", "is required", "missing_required_parameter")
    if jsontext.first(contents) != b"{":
        ARRAY.read(contents, fields.at("contents"))
    config = fields.inner(CONFIG) or Fields({}, CONFIG)
    return Limited(config.integer("maxOutputTokens"), config.integer("candidateCount"))
