"""A Converse request's body to a Call.

No client speaks Converse to the gateway; this proves that what `bodies.py` writes says the same, and reads requests
that were recorded.
"""

from __future__ import annotations

from typing import Literal

from gateway import Call, Extra, Limits, Message, OutputFormat, Sampling, Text, Tool, ToolChoice
from gateway.wire import jsontext
from gateway.wire.members import FLAG, INTEGER, NUMBER, RAW, TEXT, Kind, Members, parsed

from .names import NAME
from .parts import content

_TEXTS: Kind[list[str]] = Kind(list[str], "a list of strings")
_METADATA: Kind[dict[str, str]] = Kind(dict[str, str], "an object of strings")
_ROLES: dict[str, Literal["user", "assistant", "system"]] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
}


def decode(body: bytes, model: str, stream: bool) -> Call:
    """model, stream: what the path says. Raises BadCall with the path of what is wrong."""
    fields = Members(parsed(body))
    call = Call(model, stream=stream, dialect=NAME)
    call.system = [_system(Members.of(value, f"system[{at}]")) for at, value in enumerate(fields.array("system"))]
    messages = fields.array("messages")
    call.messages = [_message(Members.of(value, f"messages[{at}]")) for at, value in enumerate(messages)]
    if (inference := fields.inner("inferenceConfig")) is not None:
        call.sampling, call.limits = _inference(inference)
        if rest := inference.rest():
            fields.put("inferenceConfig", jsontext.raw(rest))
    if (configured := fields.inner("toolConfig")) is not None:
        _tools(configured, call)
    if (output := fields.inner("outputConfig")) is not None:
        call.output_format = _format(output)
        if rest := output.rest():
            fields.put("outputConfig", jsontext.raw(rest))
    if (tier := fields.inner("serviceTier")) is not None:
        call.service_tier = tier.take("type", TEXT)
    call.metadata = fields.take("requestMetadata", _METADATA) or {}
    call.extra = fields.rest()
    return call


def _system(fields: Members) -> Text:
    """A block that is no text is all in `extra`."""
    text = fields.take("text", TEXT)
    return Text(text or "", fields.rest())


def _message(fields: Members) -> Message:
    role = fields.need("role", TEXT)
    if role not in _ROLES:
        raise fields.wrong("role", f"must be one of {', '.join(_ROLES)}")
    blocks = content(fields)
    return Message(_ROLES[role], blocks, extra=fields.rest())


def _inference(fields: Members) -> tuple[Sampling, Limits]:
    stop = fields.take("stopSequences", _TEXTS)
    sampling = Sampling(temperature=fields.take("temperature", NUMBER), top_p=fields.take("topP", NUMBER))
    sampling.stop = tuple(stop or ())
    return sampling, Limits(max_output=fields.take("maxTokens", INTEGER))


def _tools(fields: Members, call: Call) -> None:
    tools = fields.array("tools")
    call.tools = [_tool(Members.of(value, f"{fields.at('tools')}[{at}]")) for at, value in enumerate(tools)]
    choice = fields.inner("toolChoice")
    if choice is None:
        return
    named = choice.inner("tool")
    if named is not None:
        call.tool_choice = ToolChoice("tool", (named.need("name", TEXT),))
    else:
        call.tool_choice = ToolChoice("required" if choice.seen("any") is not None else "auto")


def _tool(fields: Members) -> Tool:
    """What is no function stands whole in `extra`."""
    whole: Extra = fields.rest()
    spec = fields.inner("toolSpec")
    if spec is None:
        return Tool(next(iter(whole), ""), kind="hosted", extra=whole)
    schema = spec.needed_inner("inputSchema").take("json", RAW)
    tool = Tool(spec.need("name", TEXT), spec.take("description", TEXT), schema, spec.take("strict", FLAG))
    tool.extra = spec.rest()
    return tool


def _format(fields: Members) -> OutputFormat | None:
    value = fields.inner("textFormat")
    if value is None:
        return None
    definition = value.needed_inner("structure").needed_inner("jsonSchema")
    schema = RAW.read(definition.need("schema", TEXT).encode("utf-8", "replace"), definition.at("schema"))
    return OutputFormat("schema", definition.take("name", TEXT), definition.take("description", TEXT), schema)
