"""The envelope of a call: the few members that are read before anything else is."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import BadCall, Envelope
from gateway.wire.jsontext import NULL, first
from gateway.wire.members import FLAG, INTEGER, TEXT, Members, parsed
from gateway.wire.outlines import outlined


class _Conversation(msgspec.Struct):
    id: str | None = None


class _Outline(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None
    max_output_tokens: int | None = None
    background: bool | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    conversation: str | _Conversation | None = None
    input: Raw = Raw(b"")
    prompt: Raw = Raw(b"")


_DECODER = msgspec.json.Decoder(_Outline)


def peek(body: bytes) -> Envelope:
    """Raises BadCall where the body is not an object of the right outline."""
    outline = outlined(body, _DECODER, _explained)
    states = (outline.previous_response_id, _conversation(outline))
    _check_input(outline, any(states))
    return Envelope(
        model=outline.model,
        stream=bool(outline.stream),
        max_output=outline.max_output_tokens,
        background=bool(outline.background),
        state_ids=tuple(state for state in states if state),
        store=outline.store,
    )


def _explained(body: bytes) -> _Outline:
    """The same, slowly: each member by itself, so that the error names it."""
    members = Members(parsed(body))
    return _Outline(
        model=members.take("model", TEXT),
        stream=members.take("stream", FLAG),
        max_output_tokens=members.take("max_output_tokens", INTEGER),
        background=members.take("background", FLAG),
        store=members.take("store", FLAG),
        previous_response_id=members.take("previous_response_id", TEXT),
        conversation=_named(members),
        input=members.raw("input") or NULL,
        prompt=members.raw("prompt") or NULL,
    )


def _named(members: Members) -> str | None:
    value = members.seen("conversation")
    if value is None or first(value) == b'"':
        return members.take("conversation", TEXT)
    if first(value) != b"{":
        raise members.wrong("conversation", "must be a string or an object", "invalid_type")
    return Members.of(value, "conversation").take("id", TEXT)


def _conversation(outline: _Outline) -> str | None:
    found = outline.conversation
    return found.id if isinstance(found, _Conversation) else found


def _check_input(outline: _Outline, continues: bool) -> None:
    mark = first(outline.input)
    if mark in (b'"', b"["):
        return
    if mark not in (b"", b"n"):
        raise BadCall("`input` must be a string or an array of items.", param="input", code="invalid_type")
    # A stored prompt or an earlier response may be all there is to say.
    if not continues and first(outline.prompt) in (b"", b"n"):
        raise BadCall("`input` is required.", param="input", code="missing_required_parameter")
