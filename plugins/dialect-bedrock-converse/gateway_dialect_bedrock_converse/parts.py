"""The content blocks of a Converse request to canonical ones; those with no such form stay whole, as Opaque."""

from __future__ import annotations

from msgspec import Raw

from gateway import Block, Extra, File, Image, Opaque, Reasoning, Text, ToolCall, ToolResult
from gateway.wire.members import OBJECT, RAW, TEXT, Members

from .media import DOCUMENTS
from .names import NAME, REDACTED, THINKING

_DOCUMENTS = {kind: media_type for media_type, kind in DOCUMENTS.items() if media_type != "application/csv"}


def content(fields: Members) -> list[Block]:
    """The blocks of a message's `content`."""
    path = fields.at("content")
    return [
        _block(OBJECT.read(value, f"{path}[{at}]"), f"{path}[{at}]") for at, value in enumerate(fields.array("content"))
    ]


def _block(members: Extra, path: str) -> Block:
    for name, value in members.items():
        found = _known(name, value, f"{path}.{name}") if len(members) == 1 else None
        return Opaque(NAME, name, value) if found is None else found
    return Opaque(NAME, "", Raw(b"{}"))


def _known(name: str, value: Raw, path: str) -> Block | None:
    match name:
        case "text":
            return Text(TEXT.read(value, path))
        case "image":
            return _image(Members.of(value, path))
        case "document":
            return _document(Members.of(value, path))
        case "reasoningContent":
            return _reasoning(Members.of(value, path))
        case "toolUse":
            return _call(Members.of(value, path))
        case "toolResult":
            return _result(Members.of(value, path))
    return None


def _image(fields: Members) -> Image | None:
    kind, data = fields.take("format", TEXT), _bytes(fields)
    return Image(data=data, media_type=f"image/{kind}") if data and kind and not fields.rest() else None


def _document(fields: Members) -> File | None:
    kind, data = fields.take("format", TEXT), _bytes(fields)
    media_type = _DOCUMENTS.get(kind or "")
    if data is None or media_type is None:
        return None
    return File(data=data, media_type=media_type, filename=fields.take("name", TEXT), extra=fields.rest())


def _bytes(fields: Members) -> str | None:
    """The source's, where it holds nothing else."""
    source = fields.inner("source")
    data = source.take("bytes", TEXT) if source is not None else None
    return data if source is not None and not source.rest() else None


def _reasoning(fields: Members) -> Reasoning | None:
    redacted = fields.raw("redactedContent")
    if redacted is not None:
        return Reasoning(proof=Opaque(NAME, REDACTED, redacted))
    told = fields.inner("reasoningText")
    if told is None:
        return None
    text, signature = told.take("text", TEXT) or "", told.raw("signature")
    return Reasoning(text, proof=None if signature is None else Opaque(NAME, THINKING, signature))


def _call(fields: Members) -> ToolCall:
    identity, name = fields.need("toolUseId", TEXT), fields.need("name", TEXT)
    arguments = bytes(fields.need("input", RAW)).decode("utf-8", "replace")
    extra = fields.rest()
    theirs = bytes(extra.get("type", b"")) == b'"server_tool_use"'
    return ToolCall(identity, name, arguments, executor="upstream" if theirs else "client", extra=extra)


def _result(fields: Members) -> ToolResult:
    """`success` is what no status says too, so it is kept as it stands."""
    identity = fields.need("toolUseId", TEXT)
    blocks: list[Text | Image | File | Opaque] = []
    for block in content(fields):
        if isinstance(block, Text | Image | File | Opaque):
            blocks.append(block)
    status = fields.seen("status")
    is_error = status is not None and bytes(status) == b'"error"'
    if is_error:
        fields.raw("status")
    return ToolResult(identity, [*blocks], is_error, extra=fields.rest())
