"""Passthrough: a client's body, edited member by member.

Untouched values keep their bytes and members their order; duplicate members collapse, the last one counts. A member is
found under either of its names, `systemInstruction` or `system_instruction`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Raw

from gateway import BadCall, Edit, Encoded, Extra, Inbound, Parameter, Target
from gateway.wire import jsontext
from gateway.wire.losses import Loss

from . import names, options
from .bodies import TIERS
from .calls import WRAPPED
from .configs import CONFIG, THINKING
from .counts import wrapped
from .fields import camel, once
from .names import COUNT

_MEMBERS = msgspec.json.Decoder(Extra)
_SYSTEM, _TIER = "systemInstruction", "serviceTier"
_NAMES: Mapping[Parameter, str] = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "seed": "seed",
    "stop": "stopSequences",
    "max_output_tokens": "maxOutputTokens",
}
_THOUGHTS: Mapping[Parameter, tuple[str, ...]] = {
    "reasoning_effort": ("thinkingLevel", "thinkingBudget"),
    "reasoning_budget": ("thinkingBudget", "thinkingLevel"),
    "reasoning_summary": ("includeThoughts",),
}


class _Text(msgspec.Struct):
    text: str


def edited(inbound: Inbound, edit: Edit, target: Target) -> Encoded:
    """Raises BadCall where the body is not a JSON object."""
    members = _members(inbound.body)
    verb = names.verb(inbound.operation.path)
    if verb == COUNT:
        return _counted(members, edit)
    _rename(members, edit.model)
    if edit.instructions:
        _instruct(members, edit.instructions)
    loss = Loss()
    _defaults(members, edit, target, loss)
    for name, value in {**edit.set, **target.set}.items():
        members[_found(members, camel(name)) or name] = value
    for name in target.drop | edit.drop:
        members.pop(_found(members, name) or name, None)
    path = names.path(edit.model, verb)
    return Encoded(path, jsontext.encode(members), _query(inbound), loss=tuple(loss.paths))


def _counted(members: Extra, edit: Edit) -> Encoded:
    """An agent's instructions count as well; they go only within a whole request."""
    inner = _found(members, WRAPPED)
    if inner is not None:
        whole = jsontext.members(members[inner])
        _rename(whole, edit.model)
        if edit.instructions:
            _instruct(whole, edit.instructions)
        members[inner] = jsontext.raw(whole)
    _rename(members, edit.model)
    if inner is None and edit.instructions:
        _instruct(members, edit.instructions)
        members = wrapped(members, edit.model)
    return Encoded(names.path(edit.model, COUNT), jsontext.encode(members))


def _members(body: bytes) -> Extra:
    try:
        return once(_MEMBERS.decode(body))
    except jsontext.UNREADABLE as error:
        raise BadCall("The request body is not a JSON object.") from error


def _rename(members: Extra, model: str) -> None:
    """The path names the model; a body that does too must not name another."""
    if "model" in members:
        members["model"] = jsontext.raw(names.resource(model))


def _query(inbound: Inbound) -> dict[str, str]:
    """The client's framing and its wish for enums as numbers. Its key is for us alone; `fields` could hide usage."""
    query = {"alt": "sse"} if inbound.query.get("alt") == "sse" else {}
    wanted = inbound.query.get("$alt", "")
    return query | ({"$alt": wanted} if wanted.startswith("json") else {})


def _found(members: Iterable[str], name: str) -> str | None:
    """A member's name as it stands there."""
    return next((given for given in members if camel(given) == name), None)


def _instruct(members: Extra, instructions: str) -> None:
    """A part before the client's own, spliced in: the rest is not parsed."""
    name = _found(members, _SYSTEM) or _SYSTEM
    said = members.get(name, jsontext.NULL)
    content = {} if jsontext.is_null(said) else jsontext.members(said)
    if not jsontext.is_null(said) and jsontext.first(said) != b"{":
        raise BadCall(f"`{name}` must be an object with `parts`.", param=name, code="invalid_type")
    parts = _found(content, "parts") or "parts"
    rest = bytes(content.get(parts, b"[]")).strip()
    if rest.startswith(b"{"):
        rest = b"[" + rest + b"]"
    rest = rest[1:].lstrip() if rest.startswith(b"[") else b"]"
    comma = b"" if rest.startswith(b"]") else b","
    content[parts] = Raw(b"[" + jsontext.encode(_Text(instructions)) + comma + rest)
    members[name] = jsontext.raw(content)


def _defaults(members: Extra, edit: Edit, target: Target, loss: Loss) -> None:
    """Defaults where the client says nothing, null included; locked ones always."""
    if not edit.defaults:
        return
    name = _found(members, CONFIG) or CONFIG
    config = jsontext.members(members.get(name, jsontext.NULL))
    thoughts = _found(config, THINKING) or THINKING
    thinking = jsontext.members(config.get(thoughts, jsontext.NULL))
    before = dict(config), dict(thinking)
    for parameter, value in edit.defaults.items():
        locked = parameter in edit.locked
        if parameter in _NAMES:
            _put(config, (_NAMES[parameter],), _listed(parameter, value), locked)
        elif parameter in _THOUGHTS:
            _think(thinking, parameter, value, locked, target, loss)
        elif parameter == "service_tier":
            _tier(members, value, locked, loss)
        else:
            loss.add(parameter)
    if thinking != before[1]:
        config[thoughts] = jsontext.raw(thinking)
    if config != before[0]:
        members[name] = jsontext.raw(config)


def _tier(members: Extra, value: Raw, locked: bool, loss: Loss) -> None:
    """`auto` is what Google does without one."""
    word = msgspec.json.decode(value)
    if word == "auto":
        if locked:
            members.pop(_found(members, _TIER) or _TIER, None)
        return
    tier = word if word in TIERS.values() else TIERS.get(word)
    if tier is None:
        loss.add("service_tier")
    else:
        _put(members, (_TIER,), jsontext.raw(tier), locked)


def _think(thinking: Extra, parameter: Parameter, value: Raw, locked: bool, target: Target, loss: Loss) -> None:
    """Level and budget exclude each other, so either of the client's stands for both."""
    word = msgspec.json.decode(value)
    if parameter == "reasoning_effort":
        found = options.effort(str(word), target, loss)
    elif parameter == "reasoning_budget":
        found = {"thinkingBudget": word}
    else:
        found = {"includeThoughts": word != "none"}
    for name, one in found.items():
        both = (name, *(other for other in _THOUGHTS[parameter] if other != name))
        _put(thinking, both, jsontext.raw(one), locked)


def _put(members: Extra, known: tuple[str, ...], value: Raw, locked: bool) -> None:
    """Under the first name, in place of all of them. known: names of what excludes each other."""
    given = [found for name in known if (found := _found(members, name)) is not None]
    if not locked and any(not jsontext.is_null(members[name]) for name in given):
        return
    kept = _found(members, known[0]) or known[0]
    for name in given:
        if name != kept:
            del members[name]
    members[kept] = value


def _listed(parameter: Parameter, value: Raw) -> Raw:
    if parameter == "stop" and jsontext.first(value) == b'"':
        return Raw(b"[" + bytes(value) + b"]")
    return value
