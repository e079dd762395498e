"""A client's body to a Call. Source: anthropic-python's MessageCreateParams and its beta.

`system` messages stay where they stood. A message that holds nothing but tools' results has the role `tool`.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw

from gateway import Block, Call, Extra, Limits, Message, OutputFormat, Sampling, ToolResult
from gateway.call import Role
from gateway.wire import jsontext, rounds
from gateway.wire.members import ARRAY, FLAG, INTEGER, NUMBER, TEXT, Kind, Members, parsed

from . import thinking, tools
from .names import NAME
from .read_blocks import content, instructions, texts
from .versions import BETA

_STOPS = Kind(list[str], "a list of strings")
_TIERS = {"standard_only": "default"}


def read(body: bytes, headers: Mapping[str, str]) -> Call:
    """Raises BadCall with the path of what is wrong. Members that have no canonical place ride in `extra`."""
    members = Members(parsed(body))
    turns = members.need("messages", ARRAY)
    if not turns:
        raise members.wrong("messages", "must hold at least one message")
    messages = [message for at, turn in enumerate(turns) for message in rounds.apart(_message(turn, f"messages[{at}]"))]
    choice, parallel = tools.read_choice(members)
    form = _format(members)
    tier = members.take("service_tier", TEXT)
    return Call(
        model=members.take("model", TEXT) or "",
        messages=messages,
        system=texts(members, "system"),
        tools=tools.read(members),
        tool_choice=choice,
        parallel_tool_calls=parallel,
        sampling=_sampling(members),
        limits=Limits(max_output=members.take("max_tokens", INTEGER)),
        output_format=form,
        reasoning=thinking.read(members),
        stream=(stream := members.take("stream", FLAG) or False),
        stream_usage=stream,
        user=_user(members),
        service_tier=_TIERS.get(tier, tier) if tier is not None else None,
        dialect=NAME,
        extra=members.given() | _betas(headers),
    )


def _message(turn: Raw, path: str) -> Message:
    members = Members.of(turn, path)
    role = members.need("role", TEXT)
    if role == "system":
        return Message("system", instructions(members), extra=members.given())
    if role not in ("user", "assistant"):
        raise members.wrong("role", "must be user, assistant or system")
    blocks = content(members)
    return Message(_role(role, blocks), blocks, extra=members.given())


def _role(role: str, blocks: list[Block]) -> Role:
    if role == "assistant":
        return "assistant"
    return "tool" if blocks and all(isinstance(block, ToolResult) for block in blocks) else "user"


def _sampling(members: Members) -> Sampling:
    stops = members.take("stop_sequences", _STOPS)
    return Sampling(
        temperature=members.take("temperature", NUMBER),
        top_p=members.take("top_p", NUMBER),
        top_k=members.take("top_k", INTEGER),
        stop=tuple(stops or ()),
    )


def _format(members: Members) -> OutputFormat | None:
    """`output_config.format`, or `output_format` as the beta had it. What is left of either is put back."""
    config = members.inner("output_config") or Members({}, "output_config")
    form = config.inner("format") or members.inner("output_format")
    found = _schema(form) if form is not None else None
    if form is not None and (more := form.given()):
        config.put("format", jsontext.raw(more))
    if rest := config.given():
        members.put("output_config", jsontext.raw(rest))
    return found


def _schema(form: Members) -> OutputFormat:
    if form.need("type", TEXT) != "json_schema":
        raise form.wrong("type", "must be json_schema")
    return OutputFormat("schema", schema=form.raw("schema"))


def _user(members: Members) -> str | None:
    metadata = members.inner("metadata")
    if metadata is None:
        return None
    user = metadata.take("user_id", TEXT)
    if rest := metadata.given():
        members.put("metadata", jsontext.raw(rest))
    return user


def _betas(headers: Mapping[str, str]) -> Extra:
    """The client's betas, whose names mean something to this vendor alone. They ride beside the members."""
    betas = headers.get(BETA)
    return {BETA: jsontext.raw(betas)} if betas else {}
