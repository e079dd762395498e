"""Tools and the choice among them, as clients write them."""

from __future__ import annotations

from gateway import Tool, ToolChoice
from gateway.wire import jsontext
from gateway.wire.members import RAW, TEXT, Kind

from . import schemas
from .fields import Fields

_NAMES = Kind(list[str], "a list of names")
_DECLARED = "functionDeclarations"


def tools(fields: Fields) -> list[Tool]:
    """Declarations one by one; what else a tool object holds (search, code execution) is the upstream's own."""
    found = []
    for tool in fields.each("tools"):
        found += [_declared(declaration) for declaration in tool.each(_DECLARED)]
        if hosted := tool.given():
            found.append(Tool(next(iter(hosted)), kind="hosted", extra=hosted))
    return found


def choice(fields: Fields) -> ToolChoice | None:
    """What it does not say of `toolConfig` is put back."""
    config = fields.inner("toolConfig")
    calling = config.inner("functionCallingConfig") if config is not None else None
    found = _choice(calling) if calling is not None else None
    if config is not None:
        others = config.others("functionCallingConfig", calling)
        for name, value in others.items():
            fields.put(f"toolConfig.{name}", value)
    return found


def _declared(fields: Fields) -> Tool:
    tool = Tool(fields.need("name", TEXT), fields.take("description", TEXT))
    openapi, schema = fields.raw("parameters"), fields.take("parametersJsonSchema", RAW)
    if schema is None and openapi is not None:
        schema = schemas.json_schema(openapi, fields.at("parameters"))
    tool.parameters = schema
    tool.extra = fields.given()
    return tool


def _choice(fields: Fields) -> ToolChoice | None:
    """VALIDATED without names is AUTO with checked arguments; that it was said is kept."""
    mode = (fields.take("mode", TEXT) or "").upper()
    names = tuple(found) if (found := fields.take("allowedFunctionNames", _NAMES)) else ()
    match mode:
        case "NONE":
            return ToolChoice("none")
        case "ANY":
            if not names:
                return ToolChoice("required")
            return ToolChoice("tool", names) if len(names) == 1 else ToolChoice("allowed", names, required=True)
        case "AUTO" | "VALIDATED" | "" | "MODE_UNSPECIFIED":
            if mode == "VALIDATED" and not names:
                fields.put("mode", jsontext.raw(mode))
            if names:
                return ToolChoice("allowed", names)
            return ToolChoice("auto") if mode in ("AUTO", "VALIDATED") else None
    raise fields.wrong("mode", "must be AUTO, ANY, NONE or VALIDATED")
