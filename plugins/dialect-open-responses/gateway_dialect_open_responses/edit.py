"""Passthrough: what a route changes in a client's body. All other members keep their order and their bytes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from gateway import BadCall, Edit, Encoded, Extra, Parameter, Target
from gateway.wire.jsontext import UNREADABLE, first, is_null, raw
from gateway.wire.members import parsed

from .encode_call import PATH

MEMBERS: Mapping[Parameter, tuple[str, ...]] = {
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "frequency_penalty": ("frequency_penalty",),
    "presence_penalty": ("presence_penalty",),
    "max_output_tokens": ("max_output_tokens",),
    "reasoning_effort": ("reasoning", "effort"),
    "reasoning_summary": ("reasoning", "summary"),
    "verbosity": ("text", "verbosity"),
    "parallel_tool_calls": ("parallel_tool_calls",),
    "service_tier": ("service_tier",),
    "user": ("user",),
}
"""Where a canonical parameter stands in a body. What is missing here, Responses has no member for."""

COUNT, COMPACT = PATH + "/input_tokens", PATH + "/compact"
TAKEN: Mapping[str, frozenset[str]] = {
    COUNT: frozenset(
        (
            "conversation",
            "input",
            "instructions",
            "model",
            "parallel_tool_calls",
            "previous_response_id",
            "reasoning",
            "text",
            "tool_choice",
            "tools",
            "truncation",
        )
    ),
    COMPACT: frozenset(("input", "instructions", "model", "previous_response_id", "prompt_cache_key")),
}
"""What the paths below that of calls know of a call's members."""

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ENCODER = msgspec.json.Encoder()


def edit_body(body: bytes, edit: Edit, target: Target, path: str = PATH) -> Encoded:
    """Raises BadCall where a member that must change has the wrong type."""
    members = parsed(body)
    _set_model(members, edit.model)
    if edit.instructions:
        members["instructions"] = _joined(edit.instructions, members.get("instructions"))
    loss = [name for name, value in edit.defaults.items() if not _default(members, name, value, edit)]
    members |= edit.set
    members |= target.set
    for name in edit.drop | target.drop:
        members.pop(name, None)
    if path in TAKEN:
        members = {name: value for name, value in members.items() if name in TAKEN[path]}
    return Encoded(path, _ENCODER.encode(members), loss=tuple(loss))


def _set_model(members: Extra, model: str) -> None:
    name = raw(model)
    if bytes(members.get("model", b"")) != bytes(name):
        members["model"] = name


def _joined(instructions: str, client: Raw | None) -> Raw:
    """Ours before the client's. Its text is joined as JSON, so that no escape of it changes."""
    if client is None or is_null(client):
        return raw(instructions)
    if first(client) != b'"':
        raise BadCall("`instructions` must be a string.", param="instructions", code="invalid_type")
    own = bytes(client)
    if own == b'""':
        return raw(instructions)
    return Raw(_ENCODER.encode(instructions + "\n\n")[:-1] + own[1:])


def _default(members: Extra, name: Parameter, value: Raw, edit: Edit) -> bool:
    """False where Responses has no such parameter."""
    path = MEMBERS.get(name)
    if path is None:
        return False
    if len(path) == 1:
        _fill(members, path[0], value, name in edit.locked)
        return True
    outer, inner = path
    held = _held(members, outer)
    if _fill(held, inner, value, name in edit.locked):
        members[outer] = raw(held)
    return True


def _fill(members: Extra, name: str, value: Raw, locked: bool) -> bool:
    """An explicit null counts as not given."""
    found = members.get(name)
    if found is None or is_null(found) or locked:
        members[name] = value
        return True
    return False


def _held(members: Extra, name: str) -> Extra:
    value = members.get(name)
    if value is None or is_null(value):
        return {}
    try:
        return _OBJECT.decode(value)
    except UNREADABLE as error:
        raise BadCall(f"`{name}` must be an object.", param=name, code="invalid_type") from error
