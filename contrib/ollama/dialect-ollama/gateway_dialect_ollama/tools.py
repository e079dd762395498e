"""Tools, and arguments, which are text elsewhere and an object here. Source: Ollama, `api/types.go`: Tool."""

from __future__ import annotations

from msgspec import Raw

from gateway import Call, Tool, ToolCall
from gateway.wire import jsontext
from gateway.wire.jsontext import Members as Object
from gateway.wire.losses import Loss
from gateway.wire.members import FLAG, TEXT, Members

from . import ids

FREE_TEXT = Raw(b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}')
NONE = Raw(b'{"type":"object","properties":{}}')
_EMPTY = Raw(b"{}")
UNREAD = "arguments"
"""Where a model's arguments go that are no JSON object, so that it can still read what it once wrote."""


def read(fields: Members) -> list[Tool]:
    path = fields.at("tools")
    return [_read(Members.of(tool, f"{path}[{at}]")) for at, tool in enumerate(fields.array("tools"))]


def read_call(fields: Members, identity: str) -> ToolCall:
    """identity: for a call without an id of its own."""
    function = fields.needed_inner("function")
    function.raw("index")  # its place in the list
    fields.raw("type")
    value = function.raw("arguments")
    call = ToolCall(fields.take("id", TEXT) or identity, function.need("name", TEXT), _text(value, function))
    rest, inner = fields.given(), function.given()
    call.extra = rest | ({"function": jsontext.raw(inner)} if inner else {})
    return call


def write(call: Call, loss: Loss) -> Object:
    """`tools`. There is no word for a choice: none is no tools, some are those alone, and no more can be said."""
    choice = call.tool_choice
    names = choice.names if choice is not None and choice.mode in ("tool", "allowed") else None
    if call.tools and choice is not None and choice.mode != "auto":
        loss.add("tool_choice")
    if call.parallel_tool_calls is False:
        loss.add("parallel_tool_calls")
    if choice is not None and choice.mode == "none":
        return {}
    wanted = [(at, tool) for at, tool in enumerate(call.tools) if names is None or tool.name in names]
    tools = [written for at, tool in wanted if (written := _write(tool, f"tools[{at}]", loss))]
    return {"tools": tools} if tools else {}


def write_call(call: ToolCall, number: int, path: str, loss: Loss) -> Object:
    function: Object = {"index": number, "name": call.name, "arguments": arguments(call, path, loss)}
    out: Object = {"id": call.id} if ids.given(call.id) else {}
    return jsontext.merged({**out, "function": function}, loss.keep(call.extra, path))


def arguments(call: ToolCall, path: str, loss: Loss) -> Raw:
    if call.kind == "custom":
        return jsontext.raw({"input": call.arguments})
    text = call.arguments.strip()
    if not text:
        return _EMPTY
    if (found := _object(text)) is not None:
        return found
    loss.add(f"{path}.arguments")
    return jsontext.raw({UNREAD: call.arguments})


def _object(text: str) -> Raw | None:
    """An object as it stands where it can; None for any other text."""
    if not text.startswith("{"):
        return None
    data = text.encode("utf-8", "replace")
    try:
        jsontext.mended(data)
    except jsontext.UNREADABLE:
        return None
    return Raw(data.replace(b"\n", b" ").replace(b"\r", b" "))  # JSON has line ends between its tokens alone


def _read(fields: Members) -> Tool:
    """One with a type of its own is the upstream's, and stays as it is."""
    whole = fields.given()
    kind = fields.take("type", TEXT) or "function"
    if kind != "function":
        return Tool(kind, kind="hosted", extra=whole)
    function = fields.needed_inner("function")
    tool = Tool(
        function.need("name", TEXT),
        function.take("description", TEXT),
        function.raw("parameters"),
        function.take("strict", FLAG),
    )
    inner = function.given()
    tool.extra = fields.given() | ({"function": jsontext.raw(inner)} if inner else {})
    return tool


def _write(tool: Tool, path: str, loss: Loss) -> Object | None:
    if tool.kind == "hosted":
        if not loss.own:
            loss.add(path)
        return dict(tool.extra) if loss.own else None
    parameters = tool.parameters if tool.kind == "function" else FREE_TEXT
    if tool.kind == "custom":
        loss.add(f"{path}.type")
        loss.unsaid({f"{path}.format": tool.grammar})
    if tool.strict and not loss.own:
        loss.add(f"{path}.strict")
    function: Object = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = parameters if parameters is not None else NONE
    if tool.strict is not None and loss.own:
        function["strict"] = tool.strict
    return jsontext.merged({"type": "function", "function": function}, loss.keep(tool.extra, path))


def _text(value: Raw | None, function: Members) -> str:
    """Clients that know other APIs send text."""
    if value is None:
        return "{}"
    if jsontext.first(value) == b'"':
        return TEXT.read(value, function.at("arguments"))
    if jsontext.first(value) != b"{":
        raise function.wrong("arguments", "must be an object")
    return bytes(value).decode()
