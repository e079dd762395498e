"""`mcp_call`: a tool that the gateway or its upstream ran, as an item that grows, and as clients send it back.

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
from .approvals import request_id
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
    """Done when its result is there, or with the reply where an upstream does not tell what its call came to."""

    def __init__(self, index: int, seed: str, block: ToolCall) -> None:
        super().__init__(PREFIX, index, seed)
        self.id = rounds.shown(PREFIX, block.id, block.executor)
        self.call_id = block.id
        self._call = block
        self._result: ToolResult | None = None
        self._unanswered = "failed"

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

    def closing(self, whole: bool) -> Events:
        """Without a result: what the gateway ran would have one, and an upstream's call in a reply cut short did not
        run.
        """
        if whole and self._call.executor == "upstream":
            self._unanswered = "completed"
        kind = wire.McpCompleted if self._unanswered == "completed" else wire.McpFailed
        return [kind(item_id=self.id, output_index=self.index)]

    def value(self, status: str) -> Raw:
        said, call = self.parts[0].text if self.parts else "", self._call
        unanswered = self._unanswered if status == "completed" else status
        item = _McpCall(self.id, call.server, call.name, said, unanswered)
        if call.approval:
            item.approval_request_id = request_id(call.id)
        if self._result is not None:
            text = "".join(part.text for part in self._result.blocks if isinstance(part, Text))
            failed = self._result.is_error
            item.status = "failed" if failed else "completed"
            item.output = None if failed else text
            item.error = _Error([_Said(text)]) if failed else None
        return raw(item)


def read(members: Members) -> list[Block] | None:
    """The call and its result; None for an item that is another server's, or that never came to anything. What an
    upstream ran may have no result: nobody was told.
    """
    name = members.seen("id")
    found = rounds.ours(PREFIX, TEXT.read(name, members.at("id"))) if name is not None else None
    error = members.seen("error")
    failed = error is not None and first(error) in (b"{", b'"')
    silent = members.seen("output") is None and not failed
    if found is None or (silent and found[1] != "upstream"):
        return None
    call_id, ran = found
    call = ToolCall(
        call_id,
        members.need("name", TEXT),
        members.take("arguments", TEXT) or "",
        executor=ran,
        server=members.take("server_label", TEXT) or "",
        approval="answered" if members.seen("approval_request_id") is not None else "",
    )
    if silent:
        return [call]
    said = _failure(error) if error is not None and failed else members.take("output", TEXT) or ""
    return [call, ToolResult(call_id, [Text(said)], failed)]


def _failure(error: Raw) -> str:
    if first(error) == b'"':
        return TEXT.read(error, "error")
    try:
        return "".join(part.text for part in _ERROR.decode(error).content)
    except UNREADABLE:
        return "The tool failed."
