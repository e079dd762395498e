"""Tools, the choice among them, and the output format, as clients write them."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

from gateway import BadCall, Extra, Grammar, OutputFormat, Tool, ToolChoice
from gateway.wire import jsontext
from gateway.wire.members import FLAG, TEXT

from .fields import Fields

_MODES: dict[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "any": "required",  # Mistral's word
}


class _Grammar(Grammar, forbid_unknown_fields=True):
    pass


class _Format(msgspec.Struct, tag="grammar", forbid_unknown_fields=True):
    grammar: _Grammar


_FORMAT = msgspec.json.Decoder(_Format)


def tools(fields: Fields) -> list[Tool]:
    """`tools`, and the legacy `functions` after them."""
    found = [_tool(tool) for tool in fields.each("tools")]
    return found + [_function(function, Fields({}, "")) for function in fields.each("functions")]


def choice(fields: Fields) -> ToolChoice | None:
    """`tool_choice`, or the legacy `function_call`."""
    value = fields.raw("tool_choice")
    if value is not None:
        found, unknown = _choice(value, fields.at("tool_choice"))
        if unknown:
            fields.put("tool_choice", jsontext.raw(unknown))
        return found
    legacy = fields.raw("function_call")
    if legacy is None:
        return None
    path = fields.at("function_call")
    if bytes(legacy)[:1] == b'"':
        return _word(TEXT.read(legacy, path), path)
    return ToolChoice("tool", (Fields.of(legacy, path).need("name", TEXT),))


def output_format(fields: Fields) -> OutputFormat | None:
    """`response_format`; what it holds that is not OpenAI's stays where it was."""
    inner = fields.inner("response_format")
    if inner is None:
        return None
    kind = inner.need("type", TEXT)
    schema = inner.needed_inner("json_schema") if kind == "json_schema" else None
    found = _format(kind, schema, inner)
    if others := inner.others("json_schema", schema):
        fields.put("response_format", jsontext.raw(others))
    return found


def _format(kind: str, schema: Fields | None, fields: Fields) -> OutputFormat:
    if schema is not None:
        return OutputFormat(
            "schema",
            schema.take("name", TEXT),
            schema.take("description", TEXT),
            schema.raw("schema"),
            schema.take("strict", FLAG),
        )
    if kind in ("text", "json_object"):
        return OutputFormat("text" if kind == "text" else "json")
    raise fields.wrong("type", "must be text, json_object or json_schema")


def _tool(fields: Fields) -> Tool:
    """Types that are not OpenAI's (web search and the like) are the upstream's own."""
    whole = fields.rest()
    kind = fields.take("type", TEXT) or "function"
    if kind == "function":
        return _function(fields.needed_inner("function"), fields)
    if kind == "custom":
        custom = fields.needed_inner("custom")
        name, description, grammar = custom.need("name", TEXT), custom.take("description", TEXT), _grammar(custom)
        return Tool(name, description, kind="custom", extra=fields.others("custom", custom), grammar=grammar)
    return Tool(kind, kind="hosted", extra=whole)


def _grammar(custom: Fields) -> Grammar | None:
    """Of `format`. Plain text, and a grammar that says more, stay where they were."""
    try:
        found = _FORMAT.decode(custom.seen("format") or jsontext.NULL).grammar
    except jsontext.UNREADABLE:
        return None
    custom.raw("format")
    return Grammar(found.syntax, found.definition)


def _function(function: Fields, outer: Fields) -> Tool:
    tool = Tool(
        function.need("name", TEXT),
        function.take("description", TEXT),
        function.raw("parameters"),
        function.take("strict", FLAG),
    )
    tool.extra = outer.others("function", function)
    return tool


def _choice(value: Raw, path: str) -> tuple[ToolChoice, Extra]:
    """And the members that nobody knows, where they stood."""
    if bytes(value)[:1] == b'"':
        return _word(TEXT.read(value, path), path), {}
    fields = Fields.of(value, path)
    match kind := fields.take("type", TEXT) or "function":
        case "function" | "custom":
            tool = fields.needed_inner(kind)
            found = ToolChoice("tool", (tool.need("name", TEXT),), kind="custom" if kind == "custom" else "function")
            return found, fields.others(kind, tool)
        case "allowed_tools":
            inner = fields.needed_inner(kind)
            return _allowed(inner), fields.others(kind, inner)
    raise BadCall(
        f"`{path}.type` must be function, custom or allowed_tools.", code="invalid_value", param=f"{path}.type"
    )


def _word(word: str, path: str) -> ToolChoice:
    if mode := _MODES.get(word):
        return ToolChoice(mode)
    raise BadCall(f"`{path}` must be none, auto, required or an object.", code="invalid_value", param=path)


def _allowed(fields: Fields) -> ToolChoice:
    names, kinds = [], set()
    for tool in fields.each("tools"):
        kind = tool.take("type", TEXT) or "function"
        kinds.add(kind)
        names.append(tool.needed_inner(kind).need("name", TEXT))
    required = fields.take("mode", TEXT) == "required"
    return ToolChoice("allowed", tuple(names), required, "custom" if kinds == {"custom"} else "function")
