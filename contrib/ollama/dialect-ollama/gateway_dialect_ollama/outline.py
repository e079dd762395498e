"""A client's body, peeked at: model, stream and limit, without parsing the messages."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import BadCall, Envelope, Inbound
from gateway.wire.members import FLAG, INTEGER, TEXT, Members, parsed
from gateway.wire.outlines import outlined

from .names import SHOW


class Limit(msgspec.Struct):
    num_predict: int | None = None


class Outline(msgspec.Struct):
    """messages: looked at for its kind alone."""

    model: str | None = None
    name: str | None = None
    stream: bool | None = None
    options: Limit | None = None
    messages: list[Raw] | None = None
    prompt: str | None = None


_OUTLINE = msgspec.json.Decoder(Outline)


def peek(inbound: Inbound) -> Envelope:
    """Replies are streams unless the client says otherwise. Raises BadCall."""
    outline = outlined(inbound.body, _OUTLINE, _explained)
    if inbound.operation.path == SHOW:
        return Envelope(_shown(outline))
    limit = outline.options.num_predict if outline.options is not None else None
    return Envelope(
        model=outline.model or None,
        stream=outline.stream is not False,
        max_output=limit if limit is not None and limit >= 0 else None,
        framing="lines",
    )


def _shown(outline: Outline) -> str:
    """`name` is what older clients say."""
    if model := outline.model or outline.name:
        return model
    raise BadCall("model is required", param="model")


def _explained(body: bytes) -> Outline:
    """The same, slowly: each member by itself, so that the error names it."""
    fields = Members(parsed(body))
    options = fields.inner("options")
    return Outline(
        fields.take("model", TEXT),
        fields.take("name", TEXT),
        fields.take("stream", FLAG),
        Limit(options.take("num_predict", INTEGER)) if options is not None else None,
        fields.array("messages"),
        fields.take("prompt", TEXT),
    )
