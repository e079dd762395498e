"""Tools and the choice among them, both ways.

A tool of free text has no place here; it goes as one whose input is an object with that text. A choice among some of
the tools goes as a choice among all of those that are sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from gateway import Call, Extra, Tool, ToolChoice
from gateway.wire import jsontext
from gateway.wire.jsontext import Members as Object
from gateway.wire.losses import Loss
from gateway.wire.members import FLAG, OBJECT, RAW, TEXT, Members

FREE_TEXT = Raw(b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}')
NO_INPUT = Raw(b'{"type":"object","properties":{}}')
_OBJECT = Raw(b'"object"')
_MODES = {"auto": "auto", "any": "required", "none": "none"}
_WORDS = {mode: word for word, mode in _MODES.items()}


def read(members: Members) -> list[Tool]:
    path = members.at("tools")
    return [_read(Members.of(tool, f"{path}[{at}]")) for at, tool in enumerate(members.array("tools"))]


def _read(members: Members) -> Tool:
    """One with a `type` of its own is the vendor's, and stays as it is."""
    whole = members.given()
    kind = members.take("type", TEXT)
    if kind not in (None, "custom"):
        name = members.take("name", TEXT)
        return Tool(name or kind or "", kind="hosted", extra=whole)
    name, description = members.need("name", TEXT), members.take("description", TEXT)
    schema = members.need("input_schema", RAW)
    OBJECT.read(schema, members.at("input_schema"))
    return Tool(name, description, schema, members.take("strict", FLAG), extra=members.given())


def read_choice(members: Members) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether calls may be parallel."""
    choice = members.inner("tool_choice")
    if choice is None:
        return None, None
    kind = choice.need("type", TEXT)
    alone = choice.take("disable_parallel_tool_use", FLAG)
    parallel = None if alone is None else not alone
    if kind == "tool":
        found = ToolChoice("tool", (choice.need("name", TEXT),))
    elif kind == "auto":
        found = ToolChoice("auto")
    elif kind == "any":
        found = ToolChoice("required")
    elif kind == "none":
        found = ToolChoice("none")
    else:
        raise choice.wrong("type", "must be auto, any, tool or none")
    if rest := choice.given():
        members.put("tool_choice", jsontext.raw(rest))
    return found, parallel


def write(call: Call, loss: Loss) -> Object:
    """`tools` and `tool_choice`. The vendor refuses a choice among no tools, which other dialects allow."""
    choice = call.tool_choice
    allowed = frozenset(choice.names) if choice is not None and choice.mode == "allowed" else None
    tools = [written for at, tool in _among(call.tools, allowed) if (written := _write(tool, f"tools[{at}]", loss))]
    out: Object = {"tools": tools} if tools else {}
    if (tools or loss.own) and (chosen := _choice(choice, call.parallel_tool_calls, loss.own)):
        out["tool_choice"] = chosen
    return out


def _among(tools: Sequence[Tool], allowed: frozenset[str] | None) -> list[tuple[int, Tool]]:
    return [(at, tool) for at, tool in enumerate(tools) if allowed is None or tool.name in allowed]


def _write(tool: Tool, path: str, loss: Loss) -> Object | None:
    if tool.kind == "hosted":
        if loss.own:
            return dict(tool.extra)
        loss.add(path)
        return None
    out: Object = {"name": tool.name}
    if tool.description is not None:
        out["description"] = tool.description
    if tool.kind == "custom":
        loss.add(f"{path}.type")
        loss.unsaid({f"{path}.format": tool.grammar})
        out["input_schema"] = FREE_TEXT
    else:
        out["input_schema"] = tool.parameters if loss.own and tool.parameters else schema(tool.parameters)
    if tool.strict or (loss.own and tool.strict is not None):
        out["strict"] = tool.strict
    return jsontext.merged(out, loss.keep(tool.extra, path))


def schema(parameters: Raw | None) -> Raw:
    """The vendor takes objects alone, and needs to be told."""
    members: Extra = jsontext.members(parameters) if parameters is not None else {}
    if not members:
        return NO_INPUT
    if "type" in members and parameters is not None:
        return parameters
    return jsontext.raw({"type": _OBJECT, **members})


def _choice(choice: ToolChoice | None, parallel: bool | None, own: bool) -> Object:
    if choice is None and (parallel is None or parallel):
        return {}
    out = _mode(choice or ToolChoice())
    if out["type"] != "none" and (parallel is False or (own and parallel is not None)):
        out["disable_parallel_tool_use"] = not parallel
    return out


def _mode(choice: ToolChoice) -> Object:
    if choice.mode == "tool":
        return {"type": "tool", "name": choice.names[0]}
    if choice.mode == "allowed":
        return {"type": "any" if choice.required else "auto"}
    return {"type": _WORDS[choice.mode]}
