"""A call's arguments and a result's answer as the objects that Gemini wants."""

from __future__ import annotations

import json

import msgspec
from msgspec import Raw

from gateway import Text, ToolCall, ToolResult
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

_OBJECT = msgspec.json.Decoder(dict[str, object])
EMPTY = Raw(b"{}")
UNREAD = "arguments"


def arguments(call: ToolCall, path: str, loss: Loss) -> Raw | Members:
    """Text that is no JSON object, as a model may write it, goes whole under a name; so does a custom tool's."""
    if call.kind == "custom":
        return {"input": call.arguments}
    text = call.arguments.strip()
    if not text:
        return EMPTY
    found = json_object(text)
    if found is None:
        loss.add(f"{path}.arguments")
        return {UNREAD: call.arguments}
    return found


def response(result: ToolResult) -> Raw | Members:
    """JSON objects as they are, anything else as `result` or, where the tool failed, `error`."""
    texts = [block.text for block in result.blocks if isinstance(block, Text)]
    text = "\n".join(texts)
    found = json_object(text) if len(texts) == 1 else None
    if result.is_error:
        return {"error": text if found is None else found}
    return {"result": text} if found is None else found


def json_object(text: str) -> Raw | None:
    """An object, its text untouched; None for any other text."""
    if not text.lstrip().startswith("{"):
        return None
    data = text.strip().encode("utf-8", "replace")
    try:
        _OBJECT.decode(data)
    except jsontext.UNREADABLE:
        return _mended(data)
    return Raw(data)


def _mended(data: bytes) -> Raw | None:
    """With halves of surrogate pairs, which only some readers take."""
    try:
        found = json.loads(data, parse_constant=_refuse)
        return jsontext.raw(found) if isinstance(found, dict) else None
    except jsontext.UNREADABLE:
        return None


def _refuse(constant: str) -> None:
    raise ValueError(constant)
