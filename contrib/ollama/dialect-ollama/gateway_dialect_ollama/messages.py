"""A client's messages. Source: Ollama, `api/types.go`: Message.

A tool's result names its tool or its call, or neither: it belongs to the first call before it that fits and has none.
"""

from __future__ import annotations

from gateway import Audio, Block, Image, Message, Reasoning, Text, ToolCall, ToolResult
from gateway.call import Role
from gateway.wire import jsontext
from gateway.wire.members import TEXT, Kind, Members

from . import ids, media, tools

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_IMAGES = Kind(list[str], "a list of base64 strings")


class MessageReader:
    """All messages of one call, in order."""

    def __init__(self) -> None:
        self._waiting: list[ToolCall] = []

    def read(self, at: int, fields: Members) -> Message:
        role = _ROLES.get(fields.need("role", TEXT).lower())
        if role is None:
            raise fields.wrong("role", "must be system, user, assistant or tool")
        if role == "tool":
            return self._result(at, fields)
        blocks: list[Block] = []
        if thinking := fields.take("thinking", TEXT):
            blocks.append(Reasoning(thinking))
        blocks += said(fields)
        calls = self._calls(at, fields)
        if role == "assistant" and calls:
            blocks = [block for block in blocks if block != Text()]
        self._waiting += calls
        return Message(role, [*blocks, *calls], extra=fields.given())

    def _calls(self, at: int, fields: Members) -> list[ToolCall]:
        path = fields.at("tool_calls")
        calls = enumerate(fields.array("tool_calls"))
        return [tools.read_call(Members.of(raw, f"{path}[{n}]"), ids.of_call(at, n)) for n, raw in calls]

    def _result(self, at: int, fields: Members) -> Message:
        identity, name = fields.take("tool_call_id", TEXT), fields.take("tool_name", TEXT)
        call = self._answered(identity, name)
        if call is not None:
            self._waiting.remove(call)
        if name and (call is None or call.name != name):
            fields.put("tool_name", jsontext.raw(name))
        found = identity or (call.id if call is not None else ids.of_call(at, 0))
        return Message("tool", [ToolResult(found, [*said(fields)])], extra=fields.given())

    def _answered(self, identity: str | None, name: str | None) -> ToolCall | None:
        for call in self._waiting:
            if call.id == identity if identity else name in (None, "", call.name):
                return call
        return None


def said(fields: Members) -> list[Text | Image | Audio]:
    """Text, then what is in `images`."""
    text = fields.take("content", TEXT) or ""
    seen = [media.read(data) for data in fields.take("images", _IMAGES) or ()]
    return [Text(text), *seen] if text or not seen else [*seen]
