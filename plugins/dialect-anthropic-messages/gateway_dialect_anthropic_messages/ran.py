"""Tools that the gateway ran for a reply, as blocks of an MCP connector's: SDKs show those and run nothing.

Source: anthropic-python, `BetaMCPToolUseBlock` and `BetaMCPToolResultBlock`.
"""

from __future__ import annotations

from gateway import Text, ToolCall, ToolResult
from gateway.wire import rounds
from gateway.wire.jsontext import Members as Written
from gateway.wire.jsontext import first
from gateway.wire.losses import Loss
from gateway.wire.members import FLAG, TEXT, Members

USE, RESULT = "mcp_tool_use", "mcp_tool_result"
PREFIX = "mcptoolu"


def use(call: ToolCall, given: object) -> Written:
    name = rounds.shown(PREFIX, call.id)
    return {"type": USE, "id": name, "name": call.name, "server_name": call.server, "input": given}


def result(found: ToolResult, loss: Loss) -> Written:
    """Text alone has a place in it."""
    said: list[Written] = []
    for part in found.blocks:
        if isinstance(part, Text):
            said.append({"type": "text", "text": part.text})
        else:
            loss.add(f"ToolResult.{type(part).__name__}")
    name = rounds.shown(PREFIX, found.call_id)
    return {"type": RESULT, "tool_use_id": name, "is_error": found.is_error, "content": said}


def is_ours(members: Members, name: str) -> bool:
    """Whether the id under this name is one that we gave a call."""
    value = members.seen(name)
    return value is not None and rounds.ours(PREFIX, TEXT.read(value, members.at(name))) is not None


def call_id(members: Members, name: str) -> str:
    given = members.need(name, TEXT)
    return rounds.ours(PREFIX, given) or given


def read_use(members: Members) -> ToolCall:
    name, tool = call_id(members, "id"), members.need("name", TEXT)
    value = members.raw("input")
    arguments = bytes(value).decode() if value is not None else "{}"
    return ToolCall(name, tool, arguments, executor="gateway", server=members.take("server_name", TEXT) or "")


def read_result(members: Members) -> ToolResult:
    name, failed = call_id(members, "tool_use_id"), members.take("is_error", FLAG) or False
    value = members.seen("content")
    if value is None:
        return ToolResult(name, [], failed)
    if first(value) == b'"':
        return ToolResult(name, [Text(members.need("content", TEXT))], failed)
    path = members.at("content")
    parts = [Members.of(part, f"{path}[{at}]") for at, part in enumerate(members.array("content"))]
    return ToolResult(name, [Text(part.take("text", TEXT) or "") for part in parts], failed)
