"""Passthrough: a client's body, edited member by member.

Untouched values keep their bytes and members their order; duplicate members collapse, the last one counts.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from gateway import BadCall, Edit, Encoded, Extra, Inbound, Parameter, Target
from gateway.wire import efforts, jsontext
from gateway.wire.jsontext import Members as Object
from gateway.wire.jsontext import first, is_null, raw
from gateway.wire.members import parsed

from . import thinking, versions
from .write_call import COUNT_PATH, COUNTED, PATH, TIERS

_NAMES: Mapping[Parameter, str] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "stop": "stop_sequences",
    "max_output_tokens": "max_tokens",
    "service_tier": "service_tier",
}
"""Parameters that are members of the body itself."""
_DISABLED = Raw(b'{"type":"disabled"}')
_ADAPTIVE = Raw(b'{"type":"adaptive"}')
_AUTO = Raw(b'"auto"')


class SystemText(msgspec.Struct, tag="text"):
    text: str


def edited(inbound: Inbound, edit: Edit, target: Target) -> Encoded:
    """Raises BadCall where the body is no JSON object, or a member that must change has the wrong type."""
    counts = inbound.operation.kind == "count"
    members = parsed(inbound.body)
    members["model"] = raw(edit.model)
    if edit.instructions:
        members["system"] = _instructed(edit.instructions, members.get("system"))
    given = frozenset(members)
    loss = _defaults(members, edit, target)
    members |= edit.set
    members |= target.set
    for name in edit.drop | target.drop:
        members.pop(name, None)
    refused = [name for name in members if name in target.quirks.refused]
    for name in refused:
        del members[name]
    if counts:
        for name in [name for name in members if name not in COUNTED and name not in given]:
            del members[name]
    headers = versions.headers(members, inbound.headers.get(versions.VERSION), inbound.headers.get(versions.BETA))
    query = {versions.BETA_QUERY: "true"} if inbound.query.get(versions.BETA_QUERY) == "true" else {}
    path = COUNT_PATH if counts else PATH
    return Encoded(path, jsontext.encode(members), query, headers, () if counts else (*loss, *refused))


def _instructed(instructions: str, own: Raw | None) -> Raw:
    """Ours before the client's, spliced in: neither its escapes nor its blocks change."""
    if own is None or is_null(own) or bytes(own) == b'""':
        return raw(instructions)
    said = bytes(own).strip()
    if first(own) == b'"':
        return Raw(jsontext.encode(instructions + "\n\n")[:-1] + said[1:])
    if first(own) == b"[":
        rest = said[1:].lstrip()
        comma = b"" if rest.startswith(b"]") else b","
        return Raw(b"[" + jsontext.encode(SystemText(instructions)) + comma + rest)
    raise BadCall("`system` must be a string or a list of text blocks.", param="system", code="invalid_type")


def _defaults(members: Extra, edit: Edit, target: Target) -> tuple[str, ...]:
    """Defaults where the client says nothing, null included; locked ones always. Gives those that have no place.

    The limit comes first: a budget of thinking has to fit into it.
    """
    locked = edit.locked
    names = sorted(edit.defaults, key=lambda name: name != "max_output_tokens")
    return tuple(name for name in names if not _default(members, name, edit.defaults[name], name in locked, target))


def _default(members: Extra, name: Parameter, value: Raw, locked: bool, target: Target) -> bool:
    """False where this dialect has no place for it."""
    if name == "reasoning_budget":
        return _budget(members, value, locked)
    if name == "reasoning_effort":
        return _effort(members, value, locked, target)
    if name == "parallel_tool_calls":
        return _parallel(members, value, locked)
    if name == "user":
        return _within(members, "metadata", "user_id", value, locked)
    member = _NAMES.get(name)
    written = _value(name, value) if member is not None else None
    if member is None or written is None:
        return False
    if locked or not _given(members, member):
        members[member] = written
    return True


def _value(name: Parameter, value: Raw) -> Raw | None:
    """A parameter's value as this dialect writes it; None where it has no such value."""
    if name == "stop" and first(value) == b'"':
        return Raw(b"[" + bytes(value) + b"]")
    if name == "service_tier":
        word = _loaded(value)
        tier = TIERS.get(word) if isinstance(word, str) else None
        return raw(tier) if tier is not None else None
    if name == "temperature":
        number = _loaded(value)
        return raw(1.0) if isinstance(number, int | float) and number > 1 else value
    return value


def _effort(members: Extra, value: Raw, locked: bool, target: Target) -> bool:
    """`none` is not to think at all. Where models know budgets alone, the effort becomes one."""
    word = _loaded(value)
    if not isinstance(word, str) or target.quirks.reasoning_format == "none":
        return False
    if word == "none":
        return _budget(members, raw(0), locked)
    if target.quirks.reasoning_format == "object":
        return _budget(members, raw(efforts.budget_of(word)), locked)
    return _within(members, "output_config", "effort", raw(thinking.effort_word(word)), locked)


def _budget(members: Extra, value: Raw, locked: bool) -> bool:
    budget = _loaded(value)
    if not isinstance(budget, int) or isinstance(budget, bool):
        return False
    if _given(members, "thinking") and not locked:
        return True
    if budget <= 0:
        members["thinking"] = _ADAPTIVE if budget < 0 else _DISABLED
        return True
    most = _loaded(members["max_tokens"]) if "max_tokens" in members else None
    fitting = thinking.fitting(budget, most if isinstance(most, int) else None)
    if fitting is None:
        return False
    members["thinking"] = raw({"type": "enabled", "budget_tokens": fitting})
    return True


def _parallel(members: Extra, value: Raw, locked: bool) -> bool:
    """Said only where there are tools that may be called."""
    choice = _spread(members, "tool_choice")
    if not _given(members, "tools") or _is(choice.get("type"), b'"none"'):
        return True
    if locked or "disable_parallel_tool_use" not in choice:
        alone = not _loaded(value)
        members["tool_choice"] = raw({"type": _AUTO, **choice, "disable_parallel_tool_use": alone})
    return True


def _within(members: Extra, outer: str, inner: str, value: Raw, locked: bool) -> bool:
    """Into the object under a name, which is made where it is not there."""
    found = members.get(outer)
    if found is not None and not is_null(found) and first(found) != b"{":
        raise BadCall(f"`{outer}` must be an object.", param=outer, code="invalid_type")
    held = _spread(members, outer)
    before = held.get(inner)
    if locked or before is None or _is(before, b"null"):
        members[outer] = raw({**held, inner: value})
    return True


def _spread(members: Extra, name: str) -> Object:
    """A member that holds an object, to put further members into."""
    found = members.get(name)
    return dict(jsontext.members(found)) if found is not None else {}


def _given(members: Extra, name: str) -> bool:
    return name in members and not is_null(members[name])


def _is(value: object, text: bytes) -> bool:
    return isinstance(value, Raw) and bytes(value) == text


def _loaded(value: Raw) -> object:
    try:
        return jsontext.loaded(value)
    except jsontext.UNREADABLE:
        return None
