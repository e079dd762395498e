"""Fragments: the texts of a call, each by what it is, as LibreChat's filters name it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from gateway import Audio, Call, File, Image, Message, Opaque, Reasoning, Refusal, Text, ToolCall, ToolResult

TEXT = ("text", "content_part")
"""A message's text is one or the other, by whether it is in parts; callers choose, so either means both."""


class Fragment(msgspec.Struct, frozen=True):
    """source, fields: what it is; a policy for any of the fields looks at it. plain: the text of a message or of a part
    of it, which is what `messageFilter` looks at.
    """

    source: str
    fields: tuple[str, ...]
    text: str
    plain: bool = False


def fragments(call: Call) -> Iterator[Fragment]:
    """In the order of the call."""
    for text in call.system:
        yield from _said(text.text, "system")
    yield from _joined([text.text for text in call.system])
    for message in call.messages:
        yield from _of_message(message)
    for answer in call.approvals:
        yield from _said(answer.reason, "user")
    yield from _of_tools(call)
    yield from _of_parameters(call)


def of_json(value: Any) -> Iterator[Fragment]:
    """All texts of a body that has no messages."""
    for text in strings(value):
        yield Fragment("messages", TEXT, text, plain=True)


def has_file(call: Call) -> bool:
    """Whether something in it cannot be looked into."""
    kinds = (Image, File, Audio)
    blocks = [block for message in call.messages for block in message.blocks]
    inner = [part for block in blocks if isinstance(block, ToolResult) for part in block.blocks]
    return any(isinstance(block, kinds) for block in (*blocks, *inner))


def strings(value: Any) -> Iterator[str]:
    """Of any JSON, names of members too; inline data is left out."""
    if isinstance(value, str):
        if not value.startswith("data:"):
            yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield name
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def _of_message(message: Message) -> Iterator[Fragment]:
    if message.name:
        yield Fragment("messages", ("name",), message.name)
    whole: list[str] = []
    for block in message.blocks:
        if isinstance(block, Text | Refusal):
            whole.append(block.text)
            yield from _said(block.text, message.role)
        else:
            yield from _of_block(block, message.role)
    yield from _joined(whole)


def _of_block(block: object, role: str) -> Iterator[Fragment]:
    if isinstance(block, ToolCall):
        yield Fragment("toolArguments", ("name",), block.name)
        yield Fragment("toolArguments", ("arguments",), block.arguments)
    elif isinstance(block, ToolResult):
        for part in block.blocks:
            yield from _said(part.text, "tool") if isinstance(part, Text) else _of_block(part, "tool")
    elif isinstance(block, Reasoning):
        yield Fragment("messages", TEXT, block.text)
    elif isinstance(block, Image | File):
        yield from _of_file(block)
    elif isinstance(block, Opaque) and role != "assistant":
        # What a model sealed is no text; to take it for one would find tokens in it by chance.
        for text in strings(msgspec.json.decode(block.payload)):
            yield from _said(text, role)


def _said(text: str, role: str) -> Iterator[Fragment]:
    yield Fragment("messages", TEXT, text, plain=True)
    if role in ("system", "developer"):
        yield Fragment("agentInstructions", ("instructions",), text)
    if role == "tool":
        yield Fragment("toolArguments", ("output",), text)


def _joined(texts: list[str]) -> Iterator[Fragment]:
    """Parts as the model reads them, so that nothing hides between two."""
    if len(texts) > 1:
        yield Fragment("messages", ("assembled_context",), "".join(texts))


def _of_file(block: Image | File) -> Iterator[Fragment]:
    name = block.filename if isinstance(block, File) else None
    for field, text in (("name", name), ("uri", block.url), ("", block.file_id)):
        if text:
            yield Fragment("messages", ("attachment_reference",), text)
            if field:
                yield Fragment("files", (field,), text)


def _of_tools(call: Call) -> Iterator[Fragment]:
    for tool in call.tools:
        yield Fragment("agentInstructions", ("name",), tool.name)
        yield Fragment("agentInstructions", ("description",), tool.description or "")
        if tool.parameters is not None:
            for text in strings(msgspec.json.decode(tool.parameters)):
                yield Fragment("toolArguments", ("arguments",), text)


def _of_parameters(call: Call) -> Iterator[Fragment]:
    yield from _parameters("stop", call.sampling.stop)
    yield from _parameters("metadata", strings(call.metadata))
    if call.output_format is not None:
        own = call.output_format
        schema = () if own.schema is None else strings(msgspec.json.decode(own.schema))
        yield from _parameters("response_format", (own.name or "", own.description or "", *schema))
    named = (call.user, call.safety_identifier, call.prompt_cache_key)
    yield from _parameters("request_fields", (text for text in named if text))
    for raw in call.extra.values():
        yield from _parameters("request_fields", strings(msgspec.json.decode(raw)))


def _parameters(field: str, texts: Iterable[str]) -> Iterator[Fragment]:
    for text in texts:
        yield Fragment("modelParameters", (field,), text)
