"""The response object: 31 members that are always there, most of them an echo of what the client asked.

Echoed is the client's own body, never the call as a route changed it: an agent's instructions stay inside.
"""

from __future__ import annotations

import hashlib
import re

import msgspec
from msgspec import Raw

from gateway import Call, Extra, Inbound, Started
from gateway.carrier import untag_id
from gateway.wire.jsontext import NULL, first, raw
from gateway.wire.members import Members, parsed

from .members import NAME
from .usage import WireUsage

_ID = re.compile(r"[A-Za-z0-9_-]{1,52}")
_PREFIX = re.compile(r"^(resp|chatcmpl|msg|gen)[_-]")
_OBJECT = msgspec.json.Decoder(dict[str, Raw])


class IncompleteDetails(msgspec.Struct):
    reason: str


class ResponseError(msgspec.Struct):
    code: str
    message: str


class Resource(msgspec.Struct, kw_only=True):
    id: str
    object: str = "response"
    created_at: int
    status: str = "in_progress"
    background: Raw
    completed_at: int | None = None
    error: ResponseError | None = None
    frequency_penalty: Raw
    incomplete_details: IncompleteDetails | None = None
    instructions: Raw
    max_output_tokens: Raw
    max_tool_calls: Raw
    model: str
    output: list[Raw] = []
    parallel_tool_calls: Raw
    presence_penalty: Raw
    previous_response_id: Raw
    prompt_cache_key: Raw
    reasoning: Raw
    safety_identifier: Raw
    service_tier: Raw
    store: Raw
    temperature: Raw
    text: Raw
    tool_choice: Raw
    tools: list[Raw]
    top_logprobs: Raw
    top_p: Raw
    truncation: Raw
    usage: WireUsage | None = None
    metadata: Raw


MEMBERS = frozenset(Resource.__struct_fields__)


def knows_openai_only(inbound: Inbound) -> bool:
    """Whether the client is one that reads OpenAI's names where the specification has its own (see the README)."""
    return "x-stainless-lang" in inbound.headers or "ai-sdk/" in inbound.headers.get("user-agent", "")


def exchange_of(response: str) -> str:
    """The exchange that a response is named after; "" where it is not our own name."""
    return "ex_" + response.removeprefix("resp_") if response.startswith("resp_") else ""


def response_id(upstream: str | None) -> str:
    """The upstream's own id, if it is one of a response; else one made from it."""
    own = untag_id(upstream or "")
    if upstream and own.startswith("resp_") and _ID.fullmatch(own[5:]):
        return upstream
    core = _PREFIX.sub("", upstream or "")
    return "resp_" + (core if _ID.fullmatch(core) else hashlib.sha256(core.encode("utf-8", "replace")).hexdigest()[:32])


def resource(call: Call, body: bytes, started: Started, openai: bool) -> Resource:
    """body: of the request."""
    asked = Members(parsed(body))

    def given(name: str, default: bytes = b"null") -> Raw:
        return asked.seen(name) or Raw(default)

    return Resource(
        id=response_id(started.id),
        created_at=started.created or 0,
        model=call.model,
        background=given("background", b"false"),
        frequency_penalty=given("frequency_penalty", b"0"),
        instructions=given("instructions"),
        max_output_tokens=given("max_output_tokens"),
        max_tool_calls=given("max_tool_calls"),
        parallel_tool_calls=given("parallel_tool_calls", b"true"),
        presence_penalty=given("presence_penalty", b"0"),
        previous_response_id=given("previous_response_id"),
        prompt_cache_key=given("prompt_cache_key"),
        reasoning=_reasoning(asked.seen("reasoning")),
        safety_identifier=given("safety_identifier"),
        service_tier=given("service_tier", b'"default"'),
        store=given("store", b"false"),
        temperature=given("temperature", b"1"),
        text=_text(asked.seen("text"), openai),
        tool_choice=_tool_choice(asked.seen("tool_choice")),
        tools=[_tool(tool) for tool in asked.array("tools")],
        top_logprobs=given("top_logprobs", b"0"),
        top_p=given("top_p", b"1"),
        truncation=given("truncation", b'"disabled"'),
        metadata=given("metadata", b"{}"),
    )


def other_members(started: Started, extra: Extra) -> Extra:
    """What an upstream of this dialect said beyond the members above."""
    return {name: value for name, value in extra.items() if started.dialect == NAME and name not in MEMBERS}


def _reasoning(asked: Raw | None) -> Raw:
    if asked is None:
        return NULL
    return raw({"effort": NULL, "summary": NULL} | _OBJECT.decode(asked))


def _text(asked: Raw | None, openai: bool) -> Raw:
    members = _OBJECT.decode(asked) if asked is not None else {}
    shape = _present(members.pop("format", NULL))
    rest = {name: value for name, value in members.items() if _present(value)}
    return raw({"format": Raw(b'{"type":"text"}') if not shape else _format(shape, openai)} | rest)


def _format(shape: Raw, openai: bool) -> Raw:
    """The specification types an echoed `schema` as null; OpenAI's clients want the schema."""
    members = _OBJECT.decode(shape)
    if bytes(members.get("type", b"")) != b'"json_schema"':
        return shape
    if not openai:
        members["schema"] = NULL
    strict = _present(members.pop("strict", NULL)) or Raw(b"false")
    return raw({"name": Raw(b'"output"'), "description": NULL, "schema": NULL} | members | {"strict": strict})


def _tool_choice(asked: Raw | None) -> Raw:
    if asked is None:
        return Raw(b'"auto"')
    if first(asked) != b"{":
        return asked
    members = _OBJECT.decode(asked)
    allowed = bytes(members.get("type", b"")) == b'"allowed_tools"'
    return raw({"mode": Raw(b'"auto"')} | members) if allowed else asked


def _tool(tool: Raw) -> Raw:
    """Clients that validate strictly reject a function without these three keys."""
    members = _OBJECT.decode(tool)
    if bytes(members.get("type", b"")) != b'"function"':
        return tool
    return raw({"type": members.pop("type"), "description": NULL, "parameters": NULL, "strict": NULL} | members)


def _present(value: Raw) -> Raw | None:
    return None if bytes(value) == b"null" else value
