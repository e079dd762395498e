"""Passthrough: a client's body, edited member by member.

Untouched values keep their bytes and members their order; duplicate members collapse, the last one counts.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import Edit, Encoded, Extra, Inbound, Parameter, Target
from gateway.wire import jsontext
from gateway.wire.members import parsed

from . import quirks

PATH = "/chat/completions"
_TRUE = Raw(b"true")
_ASK = Raw(b'{"include_usage":true}')
_NAMES: dict[Parameter, str] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "stop": "stop",
    "logit_bias": "logit_bias",
    "reasoning_effort": "reasoning_effort",
    "verbosity": "verbosity",
    "parallel_tool_calls": "parallel_tool_calls",
    "service_tier": "service_tier",
    "user": "user",
}


class SystemMessage(msgspec.Struct):
    role: str
    content: str


def edited(inbound: Inbound, edit: Edit, target: Target) -> Encoded:
    """Raises BadCall where the body is not a JSON object."""
    members = parsed(inbound.body)
    asked = _includes_usage(members)
    members["model"] = jsontext.raw(edit.model)
    if edit.instructions:
        _instruct(members, edit.instructions)
    loss = (*_parameters(members, edit, target), *quirks.fit(members, target))
    set_and_drop(members, edit, target)
    told = ask_usage(members, target, edit.drop) if edit.usage else _streams(members) and _includes_usage(members)
    return Encoded(PATH, jsontext.encode(members), loss=loss, usage_asked=told and not asked)


def set_and_drop(members: Extra, edit: Edit | None, target: Target) -> None:
    members |= edit.set if edit else {}
    members |= target.set
    for name in target.drop | (edit.drop if edit else frozenset()):
        members.pop(name, None)


def ask_usage(members: Extra, target: Target, drop: frozenset[str] = frozenset()) -> bool:
    """`stream_options.include_usage` for a stream, beside the client's own options. Whether it stands there then."""
    if not _streams(members):
        return False
    unknown = not target.quirks.stream_options or "stream_options" in target.drop | drop | target.quirks.refused
    if unknown or _includes_usage(members):
        return _includes_usage(members)
    if "stream_options" not in members:
        members["stream_options"] = _ASK
        return True
    options = members["stream_options"]
    if bytes(options)[:1] not in (b"{", b"n"):
        return False
    members["stream_options"] = jsontext.raw(jsontext.members(options) | {"include_usage": _TRUE})
    return True


def _instruct(members: Extra, instructions: str) -> None:
    """A system message before the client's own, spliced in: the rest is not parsed."""
    rest = bytes(members.get("messages", b"[]")).strip()[1:].lstrip()
    comma = b"" if rest.startswith(b"]") else b","
    members["messages"] = Raw(b"[" + jsontext.encode(SystemMessage("system", instructions)) + comma + rest)


def _parameters(members: Extra, edit: Edit, target: Target) -> tuple[str, ...]:
    """Defaults where the client says nothing, null included; locked ones always. Gives those without a member here."""
    loss = []
    for parameter, value in edit.defaults.items():
        names = _names(parameter, target)
        if not names:
            loss.append(parameter)
        elif parameter in edit.locked or not any(_given(members, name) for name in names):
            if parameter == "reasoning_effort" and _told_otherwise(members, parameter in edit.locked):
                continue
            for other in names[1:]:
                members.pop(other, None)
            members[names[0]] = value
    return tuple(loss)


def _told_otherwise(members: Extra, locked: bool) -> bool:
    """Whether the client said its effort in OpenRouter's `reasoning`; a locked one is taken out of that."""
    held = jsontext.members(members.get(quirks.OBJECT, jsontext.NULL))
    if "effort" not in held:
        return False
    if locked:
        del held["effort"]
        members[quirks.OBJECT] = jsontext.raw(held)
    return not locked


def _names(parameter: Parameter, target: Target) -> tuple[str, ...]:
    """The member to write first, then its older or newer name."""
    if parameter == "max_output_tokens":
        first = quirks.maximum(target)
        return first, "max_tokens" if first == "max_completion_tokens" else "max_completion_tokens"
    name = _NAMES.get(parameter)
    return (name,) if name else ()


def _given(members: Extra, name: str) -> bool:
    return name in members and not _is(members, name, b"null")


def _is(members: Extra, name: str, value: bytes) -> bool:
    return name in members and bytes(members[name]) == value


def _streams(members: Extra) -> bool:
    return _is(members, "stream", b"true")


def _includes_usage(members: Extra) -> bool:
    if not _given(members, "stream_options"):
        return False
    return _is(jsontext.members(members["stream_options"]), "include_usage", b"true")
