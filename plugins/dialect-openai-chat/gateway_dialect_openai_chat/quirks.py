"""What an upstream takes in other words, or not at all: its `Quirks`, put on a body that is otherwise ready."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import Extra, Target
from gateway.wire import jsontext

NEWER, OLDER = "max_completion_tokens", "max_tokens"
EFFORT, OBJECT = "reasoning_effort", "reasoning"

_ITEMS = msgspec.json.Decoder(list[Raw])
_SYSTEM = Raw(b'"system"')


def maximum(target: Target) -> str:
    """The name for the most tokens to write. OpenAI's newer models refuse the older one, others know only that."""
    return NEWER if target.quirks.max_completion_tokens and NEWER not in target.quirks.refused else OLDER


def fit(members: Extra, target: Target) -> list[str]:
    """Changes the body; gives the members that had no place in it."""
    quirks = target.quirks
    _limit(members, target)
    if not quirks.developer_role and "messages" in members:
        members["messages"] = _without_developers(members["messages"])
    loss = _reasoning(members, target)
    for name in sorted(quirks.refused & members.keys()):
        if not jsontext.is_null(members.pop(name)):
            loss.append(name)
    return loss


def _limit(members: Extra, target: Target) -> None:
    """In the place of the name that the upstream does not know; what is said under the right one wins."""
    right = maximum(target)
    if right == NEWER and OLDER not in target.quirks.refused:
        return
    wrong = OLDER if right == NEWER else NEWER
    if wrong not in members:
        return
    if not jsontext.is_null(members.get(right, jsontext.NULL)):
        members.pop(wrong)
    else:
        members.pop(right, None)
        _rename(members, wrong, right)


def _without_developers(messages: Raw) -> Raw:
    """Where the upstream has no developers, they are the system; other messages keep their bytes."""
    if b"developer" not in bytes(messages):
        return messages
    try:
        items = _ITEMS.decode(messages)
    except msgspec.MsgspecError:
        return messages
    return jsontext.raw([_renamed(item) for item in items])


def _renamed(message: Raw) -> Raw:
    found = jsontext.members(message)
    if bytes(found.get("role", jsontext.NULL)) != b'"developer"':
        return message
    return jsontext.raw(found | {"role": _SYSTEM})


def _reasoning(members: Extra, target: Target) -> list[str]:
    """An effort under the one name or the other. `reasoning` stays where it is, unless it is known to be refused."""
    form = target.quirks.reasoning_format
    effort = members.get(EFFORT, jsontext.NULL)
    if form == "none":
        return [name for name in (EFFORT, OBJECT) if not jsontext.is_null(members.pop(name, jsontext.NULL))]
    if form == "object" and not jsontext.is_null(effort):
        held = jsontext.members(members.pop(OBJECT, jsontext.NULL))
        _rename(members, EFFORT, OBJECT)
        members[OBJECT] = jsontext.raw({"effort": effort} | held)
    if form == "effort" and OBJECT in target.quirks.refused and OBJECT in members:
        return _flattened(members)
    return []


def _flattened(members: Extra) -> list[str]:
    held = jsontext.members(members[OBJECT])
    if jsontext.is_null(held.get("effort", jsontext.NULL)) or EFFORT in members:
        return []
    _rename(members, OBJECT, EFFORT)
    members[EFFORT] = held.pop("effort")
    return [f"{OBJECT}.{name}" for name, value in held.items() if not jsontext.is_null(value)]


def _rename(members: Extra, old: str, new: str) -> None:
    """In its place."""
    renamed = {new if name == old else name: value for name, value in members.items()}
    members.clear()
    members |= renamed
