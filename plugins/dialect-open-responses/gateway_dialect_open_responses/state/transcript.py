"""Transcript: items of a conversation as text, for a model that is to read it and not to go on with it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from gateway.wire.jsontext import first, members, raw

from .. import proofs

_UNSAID = frozenset((proofs.ENCRYPTED, "id", "status", "type"))


class _Part(msgspec.Struct):
    type: str = ""
    text: str | None = None
    refusal: str | None = None
    filename: str | None = None


class _Item(msgspec.Struct):
    """What is read of an item. said: as its sort has it."""

    type: str = "message"
    role: str = ""
    content: Raw = Raw(b"")
    summary: Raw = Raw(b"")
    name: str = ""
    call_id: str = ""
    arguments: str | None = None
    input: str | None = None
    output: Raw = Raw(b"")


_ITEM = msgspec.json.Decoder(_Item)
_PARTS = msgspec.json.Decoder(list[_Part])
_TEXT = msgspec.json.Decoder(str)


def transcript(items: Iterable[Raw]) -> str:
    """Each item below a line that says whose it is. What nobody can read is left out, pictures are named."""
    return "\n\n".join(text for item in items if (text := _written(item)))


def _written(item: Raw) -> str:
    try:
        found = _ITEM.decode(item)
    except msgspec.MsgspecError:
        return bytes(item).decode("utf-8", "replace")
    if found.type == "message":
        return f"[{found.role}]\n{_said(found.content)}"
    if found.type == "reasoning":
        thoughts = "\n".join(filter(None, (_said(found.summary), _said(found.content))))
        return f"[assistant, thinking]\n{thoughts}" if thoughts else ""
    if found.arguments is not None or (found.input is not None and found.name):
        call = f"[assistant calls {found.name} ({found.call_id or 'here'})]\n{found.arguments or found.input or ''}"
        return f"{call}\n[result]\n{_said(found.output)}" if found.output else call
    if found.call_id and found.output:
        return f"[result of {found.call_id}]\n{_said(found.output)}"
    rest = {name: value for name, value in members(item).items() if name not in _UNSAID}
    return f"[{found.type}]\n{bytes(raw(rest)).decode()}" if rest else ""


def _said(content: Raw) -> str:
    """Of a text, or of its parts."""
    if first(content) == b'"':
        return _TEXT.decode(content)
    try:
        parts = _PARTS.decode(content)
    except msgspec.MsgspecError:
        return bytes(content).decode("utf-8", "replace")
    return "\n".join(_part(part) for part in parts)


def _part(part: _Part) -> str:
    said = part.text if part.text is not None else part.refusal
    if said is not None:
        return said
    kind = part.type.removeprefix("input_") or "something"
    return f"({kind} {part.filename})" if part.filename else f"({kind})"
