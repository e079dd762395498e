"""Passthrough: a client's body, edited member by member.

Untouched values keep their bytes and members their order; duplicate members collapse, the last one counts.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import BadCall, Edit, Encoded, Extra, Inbound, Parameter, ReasoningOptions, Target
from gateway.wire import jsontext
from gateway.wire.losses import Loss

from . import options
from .names import CHAT, GENERATE

_MEMBERS = msgspec.json.Decoder(Extra)
_IN_OPTIONS: dict[Parameter, str] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "stop": "stop",
    "max_output_tokens": "num_predict",
}
_WITHOUT_INSTRUCTIONS = ("_debug_render_only", "raw", "template")
"""The first shows the instructions to the client, the others go past them."""


def edited(inbound: Inbound, edit: Edit, target: Target) -> Encoded:
    """Raises BadCall where the body is not a JSON object."""
    try:
        members = _MEMBERS.decode(inbound.body)
    except jsontext.UNREADABLE as error:
        raise BadCall("The request body is not a JSON object.") from error
    path = GENERATE if inbound.operation.path == GENERATE else CHAT
    loss = Loss()
    members["model"] = jsontext.raw(edit.model)
    if edit.instructions:
        _instruct(members, edit.instructions, path, loss)
    _parameters(members, edit, loss)
    members |= edit.set
    members |= target.set
    for name in target.drop | edit.drop:
        members.pop(name, None)
    return Encoded(path, jsontext.encode(members), loss=tuple(loss.paths))


def _instruct(members: Extra, instructions: str, path: str, loss: Loss) -> None:
    """Without messages or a prompt it is about loading the model, and nothing is asked of it."""
    for name in _WITHOUT_INSTRUCTIONS:
        if bytes(members.pop(name, Raw(b"null"))) not in (b"null", b"false", b'""'):
            loss.add(name)
    if path == GENERATE:
        own = _text(members.get("system"))
        if _text(members.get("prompt")):
            members["system"] = jsontext.raw(f"{instructions}\n\n{own}" if own else instructions)
        return
    rest = bytes(members.get("messages", b"")).strip().removeprefix(b"[").lstrip()
    if rest.startswith(b"{"):
        first = jsontext.encode({"role": "system", "content": instructions})
        members["messages"] = Raw(b"[" + first + b"," + rest)


def _parameters(members: Extra, edit: Edit, loss: Loss) -> None:
    """Defaults where the client says nothing, null included; locked ones always."""
    given = jsontext.members(members["options"]) if "options" in members else {}
    before = dict(given)
    for parameter, value in edit.defaults.items():
        locked = parameter in edit.locked
        if name := _IN_OPTIONS.get(parameter):
            if locked or _missing(given, name):
                given[name] = _list(value) if name == "stop" else value
        elif parameter in ("reasoning_effort", "reasoning_budget"):
            if locked or _missing(members, "think"):
                _think(members, parameter, value, loss)
        else:
            loss.add(parameter)
    if given != before:
        members["options"] = jsontext.raw(given)


def _think(members: Extra, parameter: Parameter, value: Raw, loss: Loss) -> None:
    found = jsontext.loaded(value)
    if parameter == "reasoning_effort":
        asked = ReasoningOptions(effort=found if isinstance(found, str) else None)
    else:
        asked = ReasoningOptions(budget=found if isinstance(found, int) else None)
    think = options.think(asked, loss)
    if think is not None:
        members["think"] = jsontext.raw(think)


def _missing(members: Extra, name: str) -> bool:
    return name not in members or jsontext.is_null(members[name])


def _list(value: Raw) -> Raw:
    return Raw(b"[" + bytes(value) + b"]") if jsontext.first(value) == b'"' else value


def _text(value: Raw | None) -> str:
    found = jsontext.loaded(value) if value is not None else None
    return found if isinstance(found, str) else ""
