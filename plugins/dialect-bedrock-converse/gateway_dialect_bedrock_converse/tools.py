"""Tools and the choice among them.

Bedrock has no `none`: where nothing has been called yet, the tools are left out instead. It wants tools to be declared
where messages tell of calls, so tools that the call no longer declares are declared by their names alone.
"""

from __future__ import annotations

from msgspec import Raw

from gateway import Call, Tool, ToolCall, ToolChoice
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from .contents import CACHED, ContentWriter
from .families import Family
from .names import word

_ANYTHING = Raw(b'{"type":"object","properties":{}}')
GONE = "This tool is no longer there."


def write(call: Call, family: Family, loss: Loss) -> Members:
    writer = ContentWriter("", family, loss)
    choice = call.tool_choice or ToolChoice()
    called = [block.name for message in call.messages for block in message.blocks if isinstance(block, ToolCall)]
    tools: list[Members] = []
    allowed = frozenset(choice.names)
    for at, tool in enumerate(call.tools):
        if choice.mode != "allowed" or tool.name in allowed or loss.own:
            tools += _tool(tool, f"tools[{at}]", family, writer, loss)
    if choice.mode == "none":
        if not called:
            return {}
        loss.add("tool_choice")
    if not tools and called and not loss.own:
        tools = [_spec(word(name), GONE, _ANYTHING) for name in dict.fromkeys(called)]
        return {"tools": tools}
    if not tools:
        return {}
    out: Members = {"tools": tools}
    if call.tool_choice is not None and (chosen := _choice(choice, loss)) is not None:
        out["toolChoice"] = chosen
    return out


def _tool(tool: Tool, path: str, family: Family, writer: ContentWriter, loss: Loss) -> list[Members]:
    if tool.kind == "hosted" and loss.own:
        return [dict(tool.extra)]
    if tool.kind != "function":
        loss.add(path)
        return []
    name = tool.name if loss.own else word(tool.name)
    if name != tool.name:
        loss.add(f"{path}.name")
    spec = _spec(name, tool.description, tool.parameters or _ANYTHING)
    inner = spec["toolSpec"]
    assert isinstance(inner, dict)
    if tool.strict is not None and (tool.strict or loss.own):
        if family.structured or loss.own:
            inner["strict"] = tool.strict
        else:
            loss.add(f"{path}.strict")
    inner |= loss.keep(tool.extra, path, CACHED)
    return [spec, *writer.cache_point(tool.extra, "tools", path)]


def _spec(name: str, description: str | None, parameters: Raw) -> Members:
    """An empty description is refused."""
    spec: Members = {"name": name, "inputSchema": {"json": _object(parameters)}}
    if description:
        spec["description"] = description
    return {"toolSpec": spec}


def _object(parameters: Raw) -> Raw:
    return parameters if jsontext.first(parameters) == b"{" else _ANYTHING


def _choice(choice: ToolChoice, loss: Loss) -> Members | None:
    """`auto` is what no choice means too, and some families refuse the member whatever it says."""
    if choice.mode == "tool" and choice.names:
        return {"tool": {"name": choice.names[0] if loss.own else word(choice.names[0])}}
    if choice.mode == "required" or (choice.mode == "allowed" and choice.required):
        return {"any": {}}
    return {"auto": {}} if loss.own else None
