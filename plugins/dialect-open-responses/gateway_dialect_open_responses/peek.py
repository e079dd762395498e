"""The envelope of a call: the few members that are read before anything else is."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import BadCall, Envelope
from gateway.wire.jsontext import UNREADABLE, first
from gateway.wire.members import unreadable


class _Conversation(msgspec.Struct):
    id: str | None = None


class _Outline(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None
    max_output_tokens: int | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: str | _Conversation | None = None
    input: Raw = Raw(b"")
    prompt: Raw = Raw(b"")


_DECODER = msgspec.json.Decoder(_Outline)


def peek(body: bytes) -> Envelope:
    """Raises BadCall where the body is not an object of the right outline."""
    outline = _outline(body)
    states = (outline.previous_response_id, _conversation(outline))
    _check_input(outline, any(states))
    return Envelope(
        model=outline.model,
        stream=bool(outline.stream),
        max_output=outline.max_output_tokens,
        background=bool(outline.background),
        state_ids=tuple(state for state in states if state),
    )


def _outline(body: bytes) -> _Outline:
    try:
        if not body.isascii():
            body.decode()
        return _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise _mistyped(str(error)) from error
    except UNREADABLE as error:
        raise unreadable(body, error) from error


def _mistyped(text: str) -> BadCall:
    what, _, path = text.partition(" - at `$")
    path = path.rstrip("`").lstrip(".")
    if not path:
        return BadCall("The request body must be a JSON object.", code="invalid_json")
    return BadCall(f"`{path}`: {what[:1].lower()}{what[1:]}.", param=path, code="invalid_type")


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
