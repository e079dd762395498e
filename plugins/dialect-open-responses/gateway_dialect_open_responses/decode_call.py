"""A client's body to a Call."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

from gateway import (
    BadCall,
    Call,
    Extra,
    Grammar,
    Limits,
    OutputFormat,
    ReasoningOptions,
    Sampling,
    State,
    Text,
    Tool,
    ToolChoice,
)
from gateway.wire.jsontext import NULL, UNREADABLE, first, raw
from gateway.wire.members import FLAG, INTEGER, NUMBER, TEXT, Members, parsed

from . import server_tools
from .decode_items import decode_input
from .members import NAME

ENCRYPTED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
MODES: dict[str, Literal["auto", "none", "required"]] = {"auto": "auto", "none": "none", "required": "required"}


class GrammarFormat(Grammar, tag="grammar", forbid_unknown_fields=True):
    """As the `format` of a custom tool says it."""


_FORMAT = msgspec.json.Decoder(GrammarFormat)


def decode_call(body: bytes) -> Call:
    """Raises BadCall with the path of what is wrong."""
    members = Members(parsed(body))
    instructions = members.take("instructions", TEXT)
    included = _included(members)
    said = decode_input(members.raw("input"))
    call = Call(
        model=members.take("model", TEXT) or "",
        messages=said.messages,
        system=[Text(instructions)] if instructions else [],
        tools=_tools(members),
        tool_choice=_tool_choice(members),
        parallel_tool_calls=members.take("parallel_tool_calls", FLAG),
        sampling=_sampling(members, LOGPROBS in included),
        limits=_limits(members),
        stream=members.take("stream", FLAG) or False,
        stream_usage=True,
        state=_state(members),
        metadata=_metadata(members),
        user=members.take("user", TEXT),
        safety_identifier=members.take("safety_identifier", TEXT),
        prompt_cache_key=members.take("prompt_cache_key", TEXT),
        service_tier=members.take("service_tier", TEXT),
        asks=True,
        approvals=said.approvals,
        dialect=NAME,
    )
    unknown = _text(members, call) | _reasoning(members, call)
    call.extra = members.given() | unknown
    call.reasoning.proof = ENCRYPTED in included or None
    if others := [name for name in included if name not in (LOGPROBS, ENCRYPTED)]:
        call.extra["include"] = raw(others)
    return call


def _included(members: Members) -> list[str]:
    return [TEXT.read(value, f"include[{n}]") for n, value in enumerate(members.array("include"))]


def _sampling(members: Members, logprobs: bool) -> Sampling:
    return Sampling(
        temperature=members.take("temperature", NUMBER),
        top_p=members.take("top_p", NUMBER),
        frequency_penalty=members.take("frequency_penalty", NUMBER),
        presence_penalty=members.take("presence_penalty", NUMBER),
        logprobs=logprobs or None,
        top_logprobs=members.take("top_logprobs", INTEGER),
    )


def _limits(members: Members) -> Limits:
    return Limits(
        max_output=members.take("max_output_tokens", INTEGER),
        max_tool_calls=members.take("max_tool_calls", INTEGER),
        truncation=members.take("truncation", TEXT),
    )


def _state(members: Members) -> State:
    return State(
        previous_response_id=members.take("previous_response_id", TEXT),
        conversation=_conversation(members),
        store=members.take("store", FLAG),
        background=members.take("background", FLAG),
    )


def _conversation(members: Members) -> str | None:
    value = members.seen("conversation")
    if value is not None and first(value) == b"{":
        members.raw("conversation")
        return Members.of(value, "conversation").need("id", TEXT)
    return members.take("conversation", TEXT)


def _metadata(members: Members) -> dict[str, str]:
    found = members.inner("metadata")
    return {name: TEXT.read(value, f"metadata.{name}") for name, value in found.given().items()} if found else {}


def _text(members: Members, call: Call) -> Extra:
    """`text.format` and `text.verbosity` go into the call; what else `text` and its format hold is given back."""
    found = members.inner("text")
    if found is None:
        return {}
    call.verbosity = found.take("verbosity", TEXT)
    shape = found.inner("format")
    call.output_format = None if shape is None else _format(shape)
    rest = found.given() | ({"format": raw(more)} if shape is not None and (more := shape.given()) else {})
    return {"text": raw(rest)} if rest else {}


def _format(members: Members) -> OutputFormat:
    kind = members.need("type", TEXT)
    if kind == "text":
        return OutputFormat("text")
    if kind == "json_object":
        return OutputFormat("json")
    if kind != "json_schema":
        raise members.wrong("type", "must be text, json_object or json_schema")
    return OutputFormat(
        "schema",
        name=members.take("name", TEXT),
        description=members.take("description", TEXT),
        schema=members.raw("schema"),
        strict=members.take("strict", FLAG),
    )


def _reasoning(members: Members, call: Call) -> Extra:
    found = members.inner("reasoning")
    if found is None:
        return {}
    call.reasoning = ReasoningOptions(effort=found.take("effort", TEXT), summary=found.take("summary", TEXT))
    rest = found.given()
    return {"reasoning": raw(rest)} if rest else {}


def _tools(members: Members) -> list[Tool]:
    values = members.array("tools")
    return [_tool(value, f"tools[{n}]") for n, value in enumerate(values)]


def _tool(value: Raw, path: str) -> Tool:
    members = Members.of(value, path)
    kind = members.need("type", TEXT)
    if kind == "function":
        return Tool(
            members.need("name", TEXT),
            description=members.take("description", TEXT),
            parameters=members.raw("parameters"),
            strict=members.take("strict", FLAG),
            extra=members.given(),
        )
    if kind == "custom":
        return Tool(
            members.need("name", TEXT),
            description=members.take("description", TEXT),
            kind="custom",
            grammar=_grammar(members),
            extra=members.given(),
        )
    server = server_tools.read(value, path) if kind == server_tools.KIND else None
    return Tool(kind, kind="hosted", extra={"type": raw(kind)} | members.given(), server=server)


def _grammar(members: Members) -> Grammar | None:
    """Of `format`. Plain text, and a grammar that says more, stay where they were."""
    try:
        found = _FORMAT.decode(members.seen("format") or NULL)
    except UNREADABLE:
        return None
    members.raw("format")
    return Grammar(found.syntax, found.definition)


def _tool_choice(members: Members) -> ToolChoice | None:
    """A choice of a hosted tool, or one that says more, stays among the unknown members: canonical form has no word
    for it.
    """
    value = members.seen("tool_choice")
    if value is None:
        return None
    choice = _mode(value) if first(value) == b'"' else _chosen(Members.of(value, "tool_choice"))
    if choice is not None:
        members.raw("tool_choice")
    return choice


def _mode(value: Raw) -> ToolChoice:
    choice = MODES.get(TEXT.read(value, "tool_choice"))
    if choice is not None:
        return ToolChoice(choice)
    raise BadCall("`tool_choice` must be auto, none, required or an object.", param="tool_choice", code="invalid_value")


def _chosen(members: Members) -> ToolChoice | None:
    kind = members.need("type", TEXT)
    if kind == "allowed_tools":
        choice = _allowed(members)
    elif kind in ("function", "custom"):
        choice = ToolChoice("tool", (members.need("name", TEXT),), kind="custom" if kind == "custom" else "function")
    else:
        return None
    return choice if not members.given() else None


def _allowed(members: Members) -> ToolChoice | None:
    """None where it names tools that canonical form does not, or says more of one."""
    entries = [Members.of(value, f"tool_choice.tools[{n}]") for n, value in enumerate(members.array("tools"))]
    kinds = {entry.need("type", TEXT) for entry in entries}
    if not kinds <= {"function", "custom"}:
        return None
    names = tuple(entry.need("name", TEXT) for entry in entries)
    if any(entry.given() for entry in entries):
        return None
    required = members.take("mode", TEXT) == "required"
    return ToolChoice("allowed", names, required, "custom" if kinds == {"custom"} else "function")
