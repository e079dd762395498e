"""A client's content to blocks: a string, or a list of typed blocks. What is not known stays whole, as Opaque."""

from __future__ import annotations

from msgspec import Raw

from gateway import (
    Audio,
    BadCall,
    Block,
    File,
    Image,
    Opaque,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    carrier,
)
from gateway.wire import jsontext
from gateway.wire.members import FLAG, RAW, TEXT, Members

from . import callers, ran, read_sources, state
from .names import NAME

_CHANGES = (b'"tool_addition"', b'"tool_removal"')
"""Blocks of system messages that change the tools from there on."""


def content(members: Members) -> list[Block]:
    """The blocks of a message's `content`; a carrier of a text's or call's proof goes to the block before it."""
    value = members.seen("content")
    if value is None:
        raise members.wrong("content", "is required", "missing_required_parameter")
    if jsontext.first(value) == b'"':
        return [Text(members.need("content", TEXT))]
    path = members.at("content")
    blocks: list[Block] = []
    for at, part in enumerate(members.array("content")):
        block = _block(Members.of(part, f"{path}[{at}]"), part)
        if not _proves(block, blocks):
            blocks.append(block)
    return blocks


def texts(members: Members, name: str) -> list[Text]:
    """Content that is text alone, as `system`."""
    value = members.seen(name)
    if value is None:
        return []
    if jsontext.first(value) == b'"':
        return [Text(members.need(name, TEXT))]
    path = members.at(name)
    return [_only_text(Members.of(part, f"{path}[{at}]")) for at, part in enumerate(members.array(name))]


def instructions(members: Members) -> list[Block]:
    """The content of a system message: text, and changes of the tools. It may have none where it sets the effort."""
    value = members.seen("content")
    if value is None or jsontext.first(value) == b'"':
        return [*texts(members, "content")]
    path = members.at("content")
    return [_instruction(Members.of(part, f"{path}[{at}]"), part) for at, part in enumerate(members.array("content"))]


def _instruction(members: Members, whole: Raw) -> Text | Opaque:
    kind = members.seen("type")
    if kind is not None and bytes(kind) in _CHANGES:
        return Opaque(NAME, state.BLOCK, whole)
    return _only_text(members)


def _only_text(members: Members) -> Text:
    if members.need("type", TEXT) != "text":
        raise members.wrong("type", "must be text")
    return Text(members.need("text", TEXT), members.given())


def _block(members: Members, whole: Raw) -> Block:
    kind = members.need("type", TEXT)
    match kind:
        case "text":
            return Text(members.need("text", TEXT), members.given())
        case "tool_use":
            return _tool_use(members)
        case "tool_result":
            return _tool_result(members)
        case "thinking":
            return _thinking(members)
        case "redacted_thinking":
            return _redacted(members)
        case "image":
            return read_sources.image(members, whole)
        case "document":
            return read_sources.document(members, whole)
        case ran.USE if ran.is_ours(members, "id"):
            return ran.read_use(members)
        case ran.RESULT if ran.is_ours(members, "tool_use_id"):
            return ran.read_result(members)
        case "search_result":
            members.put("type", jsontext.raw(kind))
            return read_sources.search_result(members)
    return Opaque(NAME, state.BLOCK, whole)


def _thinking(members: Members) -> Reasoning:
    """Thoughts of upstreams that prove nothing have an empty signature, or none."""
    text = members.take("thinking", TEXT) or ""
    signature = members.take("signature", TEXT)
    proof = (carrier.unpack(signature) or state.signed(text, signature)) if signature else None
    return Reasoning(text, proof=proof, extra=members.given())


def _redacted(members: Members) -> Reasoning | Opaque:
    value = members.need("data", RAW)
    data = TEXT.read(value, members.at("data"))
    carried = carrier.unpack(data)
    if carried is not None and carried.form in state.BLOCKS:
        return carried
    return Reasoning(proof=carried or state.redacted(value), extra=members.given())


def _proves(block: Block, before: list[Block]) -> bool:
    """Whether it only carried the proof of the block before it.

    One whose call is gone proves nothing any more. A text that is gone was empty, as clients may not send those.
    """
    proof = block.proof if isinstance(block, Reasoning) else None
    if proof is None or proof.form not in (state.OF_TEXT, state.OF_CALL):
        return False
    last = next((one for one in reversed(before) if not isinstance(one, ToolResult)), None)
    kind = Text if proof.form == state.OF_TEXT else ToolCall
    if isinstance(last, kind) and last.proof is None:
        last.proof = proof
    elif kind is Text:
        before.append(Text(proof=proof))
    return True


def _tool_use(members: Members) -> ToolCall:
    """The arguments are the object as the client wrote it."""
    name, tool = members.need("id", TEXT), members.need("name", TEXT)
    path = members.at("input")
    value = members.raw("input")
    if value is not None and jsontext.first(value) != b"{":
        raise BadCall(f"`{path}` must be an object.", param=path, code="invalid_type")
    arguments = bytes(value).decode() if value is not None else "{}"
    return ToolCall(name, tool, arguments, extra=callers.told(members.given()))


def _tool_result(members: Members) -> ToolResult:
    name = members.need("tool_use_id", TEXT)
    value = members.seen("content")
    blocks = content(members) if value is not None else []
    allowed = [one for one in blocks if isinstance(one, Text | Image | File | Audio | Opaque)]
    if len(allowed) < len(blocks):
        raise members.wrong("content", "holds a block that has no place in a tool's result")
    failed = members.take("is_error", FLAG) or False
    return ToolResult(name, allowed, failed, extra=members.given())
