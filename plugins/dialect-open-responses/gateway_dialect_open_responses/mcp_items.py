"""`mcp_call`: a tool that the gateway ran, as an item that grows, and as clients send it back.

Source: OpenAI, `McpCall` and its events. The specification has no such item; clients that do not know it pass it over.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import Block, BlockDelta, Text, ToolCall, ToolResult
from gateway.wire import rounds
from gateway.wire.jsontext import UNREADABLE, first, raw
from gateway.wire.members import TEXT, Members

from . import events as wire
from .output import Item
from .parts import Events, Part

KIND = "mcp_call"
PREFIX = "mcp"


class _Said(msgspec.Struct):
    text: str = ""
    type: str = "text"


class _Error(msgspec.Struct, tag="mcp_tool_execution_error"):
    content: list[_Said] = []


class _McpCall(msgspec.Struct, tag=KIND):
    id: str
    server_label: str
    name: str
    arguments: str
    status: str
    output: str | None = None
    error: _Error | None = None
    approval_request_id: str | None = None


_ERROR = msgspec.json.Decoder(_Error)


class _ArgumentsPart(Part):
    def _delta(self, delta: BlockDelta) -> wire.WireEvent:
        return wire.McpArgumentsDelta(item_id=self.item_id, output_index=self.index, delta=delta.text)

    def _stop(self) -> Events:
        return [wire.McpArgumentsDone(item_id=self.item_id, output_index=self.index, arguments=self.text)]


class McpItem(Item):
    """Done when its result is there."""

    def __init__(self, index: int, seed: str, block: ToolCall) -> None:
        super().__init__(PREFIX, index, seed)
        self.id = rounds.shown(PREFIX, block.id)
        self.call_id = block.id
        self._call = block
        self._result: ToolResult | None = None

    @property
    def busy(self) -> bool:
        return self._result is None

    def part(self, block: Block) -> Part:
        self.parts.append(_ArgumentsPart(self.id, self.index, 0))
        return self.parts[-1]

    def begun(self) -> Events:
        return [wire.McpInProgress(item_id=self.id, output_index=self.index)]

    def came(self, result: ToolResult) -> Events:
        self._result = result
        kind = wire.McpFailed if result.is_error else wire.McpCompleted
        return [kind(item_id=self.id, output_index=self.index)]

    def value(self, status: str) -> Raw:
        said = self.parts[0].text if self.parts else ""
        unanswered = "failed" if status == "completed" else status
        item = _McpCall(self.id, self._call.server, self._call.name, said, unanswered)
        if self._result is not None:
            text = "".join(part.text for part in self._result.blocks if isinstance(part, Text))
            failed = self._result.is_error
            item.status = "failed" if failed else "completed"
            item.output = None if failed else text
            item.error = _Error([_Said(text)]) if failed else None
        return raw(item)


def read(members: Members) -> list[Block] | None:
    """The call and its result; None for an item that is another server's, or that never came to anything."""
    name = members.seen("id")
    call_id = rounds.ours(PREFIX, TEXT.read(name, members.at("id"))) if name is not None else None
    error = members.seen("error")
    failed = error is not None and first(error) in (b"{", b'"')
    if call_id is None or (members.seen("output") is None and not failed):
        return None
    call = ToolCall(
        call_id,
        members.need("name", TEXT),
        members.take("arguments", TEXT) or "",
        executor="gateway",
        server=members.take("server_label", TEXT) or "",
    )
    said = _failure(error) if error is not None and failed else members.take("output", TEXT) or ""
    return [call, ToolResult(call_id, [Text(said)], failed)]


def _failure(error: Raw) -> str:
    if first(error) == b'"':
        return TEXT.read(error, "error")
    try:
        return "".join(part.text for part in _ERROR.decode(error).content)
    except UNREADABLE:
        return "The tool failed."
