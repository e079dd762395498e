"""A client's body to a Call."""

from __future__ import annotations

from typing import Literal

from msgspec import Raw

from gateway import (
    BadCall,
    Call,
    Extra,
    Limits,
    OutputFormat,
    ReasoningOptions,
    Sampling,
    State,
    Text,
    Tool,
    ToolChoice,
)
from gateway.wire.jsontext import first, raw

from .decode_items import decode_input
from .members import NAME, Members, parsed, text_at

LOGPROBS = "message.output_text.logprobs"
MODES: dict[str, Literal["auto", "none", "required"]] = {"auto": "auto", "none": "none", "required": "required"}


def decode_call(body: bytes) -> Call:
    """Raises BadCall with the path of what is wrong."""
    members = Members(parsed(body))
    instructions = members.text("instructions")
    included = _included(members)
    call = Call(
        model=members.text("model") or "",
        messages=decode_input(members.raw("input")),
        system=[Text(instructions)] if instructions else [],
        tools=_tools(members),
        tool_choice=_tool_choice(members),
        parallel_tool_calls=members.flag("parallel_tool_calls"),
        sampling=_sampling(members, LOGPROBS in included),
        limits=_limits(members),
        stream=members.flag("stream") or False,
        stream_usage=True,
        state=_state(members),
        metadata=_metadata(members),
        user=members.text("user"),
        safety_identifier=members.text("safety_identifier"),
        prompt_cache_key=members.text("prompt_cache_key"),
        service_tier=members.text("service_tier"),
        dialect=NAME,
    )
    unknown = _text(members, call) | _reasoning(members, call)
    call.extra = members.rest() | unknown
    if others := [name for name in included if name != LOGPROBS]:
        call.extra["include"] = raw(others)
    return call


def _included(members: Members) -> list[str]:
    return [text_at(value, f"include[{n}]") for n, value in enumerate(members.array("include") or ())]


def _sampling(members: Members, logprobs: bool) -> Sampling:
    return Sampling(
        temperature=members.number("temperature"),
        top_p=members.number("top_p"),
        frequency_penalty=members.number("frequency_penalty"),
        presence_penalty=members.number("presence_penalty"),
        logprobs=logprobs or None,
        top_logprobs=members.integer("top_logprobs"),
    )


def _limits(members: Members) -> Limits:
    return Limits(
        max_output=members.integer("max_output_tokens"),
        max_tool_calls=members.integer("max_tool_calls"),
        truncation=members.text("truncation"),
    )


def _state(members: Members) -> State:
    return State(
        previous_response_id=members.text("previous_response_id"),
        conversation=_conversation(members),
        store=members.flag("store"),
        background=members.flag("background"),
    )


def _conversation(members: Members) -> str | None:
    value = members.seen("conversation")
    if value is not None and first(value) == b"{":
        members.raw("conversation")
        return Members.of(value, "conversation").needed("id")
    return members.text("conversation")


def _metadata(members: Members) -> dict[str, str]:
    found = members.object("metadata")
    return {name: text_at(value, f"metadata.{name}") for name, value in found.rest().items()} if found else {}


def _text(members: Members, call: Call) -> Extra:
    """`text.format` and `text.verbosity` go into the call; what else `text` and its format hold is given back."""
    found = members.object("text")
    if found is None:
        return {}
    call.verbosity = found.text("verbosity")
    shape = found.object("format")
    call.output_format = None if shape is None else _format(shape)
    rest = found.rest() | ({"format": raw(more)} if shape is not None and (more := shape.rest()) else {})
    return {"text": raw(rest)} if rest else {}


def _format(members: Members) -> OutputFormat:
    kind = members.needed("type")
    if kind == "text":
        return OutputFormat("text")
    if kind == "json_object":
        return OutputFormat("json")
    if kind != "json_schema":
        raise members.wrong("type", "must be text, json_object or json_schema")
    return OutputFormat(
        "schema",
        name=members.text("name"),
        description=members.text("description"),
        schema=members.raw("schema"),
        strict=members.flag("strict"),
    )


def _reasoning(members: Members, call: Call) -> Extra:
    found = members.object("reasoning")
    if found is None:
        return {}
    call.reasoning = ReasoningOptions(effort=found.text("effort"), summary=found.text("summary"))
    rest = found.rest()
    return {"reasoning": raw(rest)} if rest else {}


def _tools(members: Members) -> list[Tool]:
    values = members.array("tools") or ()
    return [_tool(value, f"tools[{n}]") for n, value in enumerate(values)]


def _tool(value: Raw, path: str) -> Tool:
    members = Members.of(value, path)
    kind = members.needed("type")
    if kind == "function":
        return Tool(
            members.needed("name"),
            description=members.text("description"),
            parameters=members.raw("parameters"),
            strict=members.flag("strict"),
            extra=members.rest(),
        )
    if kind == "custom":
        return Tool(
            members.needed("name"), description=members.text("description"), kind="custom", extra=members.rest()
        )
    return Tool(kind, kind="hosted", extra={"type": raw(kind)} | members.rest())


def _tool_choice(members: Members) -> ToolChoice | None:
    """A choice of a hosted tool stays among the unknown members: canonical form has no word for it."""
    value = members.seen("tool_choice")
    if value is None:
        return None
    choice = _mode(value) if first(value) == b'"' else _chosen(Members.of(value, "tool_choice"))
    if choice is not None:
        members.raw("tool_choice")
    return choice


def _mode(value: Raw) -> ToolChoice:
    choice = MODES.get(text_at(value, "tool_choice"))
    if choice is not None:
        return ToolChoice(choice)
    raise BadCall("`tool_choice` must be auto, none, required or an object.", param="tool_choice", code="invalid_value")


def _chosen(members: Members) -> ToolChoice | None:
    kind = members.needed("type")
    if kind == "function":
        return ToolChoice("tool", (members.needed("name"),))
    if kind == "custom":
        return ToolChoice("tool", (members.needed("name"),), kind="custom")
    return _allowed(members) if kind == "allowed_tools" else None


def _allowed(members: Members) -> ToolChoice | None:
    entries = [Members.of(value, f"tool_choice.tools[{n}]") for n, value in enumerate(members.array("tools") or ())]
    if any(entry.text("type") != "function" for entry in entries):
        return None
    names = tuple(entry.needed("name") for entry in entries)
    return ToolChoice("allowed", names, required=members.text("mode") == "required")
