"""Tools that the gateway or its upstream ran for a reply, as blocks of an MCP connector's: SDKs show those and run
nothing.

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


def shown(call: ToolCall) -> str:
    """Its id for clients."""
    return rounds.shown(PREFIX, call.id, call.executor)


def use(call: ToolCall, given: object) -> Written:
    name = shown(call)
    return {"type": USE, "id": name, "name": call.name, "server_name": call.server, "input": given}


def result(found: ToolResult, name: str, loss: Loss) -> Written:
    """Text alone has a place in it. name: its call's id for clients."""
    said: list[Written] = []
    for part in found.blocks:
        if isinstance(part, Text):
            said.append({"type": "text", "text": part.text})
        else:
            loss.add(f"ToolResult.{type(part).__name__}")
    return {"type": RESULT, "tool_use_id": name, "is_error": found.is_error, "content": said}


def is_ours(members: Members, name: str) -> bool:
    """Whether the id under this name is one that we gave a call."""
    value = members.seen(name)
    return value is not None and rounds.ours(PREFIX, TEXT.read(value, members.at(name))) is not None


def _ours(members: Members, name: str) -> tuple[str, rounds.Ran]:
    given = members.need(name, TEXT)
    return rounds.ours(PREFIX, given) or (given, "gateway")


def read_use(members: Members) -> ToolCall:
    (name, executor), tool = _ours(members, "id"), members.need("name", TEXT)
    value = members.raw("input")
    arguments = bytes(value).decode() if value is not None else "{}"
    return ToolCall(name, tool, arguments, executor=executor, server=members.take("server_name", TEXT) or "")


def read_result(members: Members) -> ToolResult:
    name, failed = _ours(members, "tool_use_id")[0], members.take("is_error", FLAG) or False
    value = members.seen("content")
    if value is None:
        return ToolResult(name, [], failed)
    if first(value) == b'"':
        return ToolResult(name, [Text(members.need("content", TEXT))], failed)
    path = members.at("content")
    parts = [Members.of(part, f"{path}[{at}]") for at, part in enumerate(members.array("content"))]
    return ToolResult(name, [Text(part.take("text", TEXT) or "") for part in parts], failed)
