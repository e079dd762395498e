"""A tool's result as blocks for a model: what models cannot be shown is named instead, and text has an end."""

from __future__ import annotations

import binascii
from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from gateway import Audio, File, Image, Text, ToolOutcome
from gateway.wire.jsontext import UNREADABLE

PICTURES = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp"))
"""What every model that sees can be shown."""
SOUNDS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
TEXTS = ("text/", "application/json", "application/xml", "application/yaml")
MOST_BLOCKS = 1000
Shown = Text | Image | File | Audio


class _Resource(Struct, frozen=True, rename="camel"):
    uri: str = ""
    mime_type: str = ""
    text: str | None = None
    blob: str | None = None


class _Content(Struct, frozen=True, rename="camel"):
    type: str = ""
    text: str | None = None
    data: str | None = None
    mime_type: str | None = None
    uri: str | None = None
    name: str | None = None
    description: str | None = None
    resource: _Resource | None = None


class _Result(Struct, frozen=True, rename="camel"):
    content: list[_Content] = []
    structured_content: Raw = Raw()
    is_error: bool = False
    result_type: str = "complete"


def failure(words: str) -> ToolOutcome:
    return ToolOutcome((Text(words),), is_error=True)


def outcome(result: Raw, most: int) -> ToolOutcome:
    """most: characters of text."""
    try:
        said = msgspec.json.decode(result, type=_Result)
    except UNREADABLE:
        return failure("The tool's result cannot be read: the server did not write it as the protocol has it.")
    if said.result_type == "input_required":
        return failure("The tool asks a person for something before it goes on, and nobody can be asked here.")
    blocks: list[Shown] = [_shown(part) for part in said.content[:MOST_BLOCKS]]
    structured = said.structured_content if bytes(said.structured_content).strip() not in (b"", b"null") else None
    if not blocks and structured is not None:
        blocks = [Text(bytes(structured).decode("utf-8", "replace"))]
    if structured is not None and len(bytes(structured)) > most:
        structured = None
    return ToolOutcome(tuple(_bounded(blocks, most)), said.is_error, structured)


def _shown(part: _Content) -> Shown:
    if part.type == "text":
        return Text(part.text or "")
    if part.type in ("image", "audio") and part.data is not None:
        return _binary(part.data, part.mime_type or "", "")
    if part.type == "resource" and part.resource is not None:
        return _resource(part.resource)
    if part.type == "resource_link":
        return Text(_link(part))
    return Text(f"[A part of kind {part.type[:100]!r}, which is not shown.]")


def _resource(resource: _Resource) -> Shown:
    if resource.text is not None:
        return Text(f"{resource.uri}\n{resource.text}" if resource.uri else resource.text)
    return _binary(resource.blob or "", resource.mime_type, resource.uri)


def _link(part: _Content) -> str:
    words = [f"[{part.name or part.uri or 'resource'}]({part.uri or ''})", part.description or "", part.mime_type or ""]
    return " ".join(word for word in words if word)


def _binary(data: str, media_type: str, uri: str) -> Shown:
    """base64: what is none is refused by whole APIs of models, with all else that is asked."""
    kind = media_type.partition(";")[0].strip().lower()
    named = f" {uri[:500]}" if uri else ""
    try:
        decoded = binascii.a2b_base64(data.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        return Text(f"[A file{named} of type {kind[:100] or 'unknown'} whose data cannot be read.]")
    if kind in PICTURES and decoded:
        return Image(data=data, media_type=kind)
    if kind in SOUNDS and decoded:
        return Audio(data=data, format=SOUNDS[kind])
    if kind == "application/pdf" and decoded:
        return File(data=data, media_type=kind, filename=uri.rpartition("/")[2][:200] or None)
    if kind.startswith(TEXTS):
        return Text(f"{uri}\n{decoded.decode('utf-8', 'replace')}" if uri else decoded.decode("utf-8", "replace"))
    return Text(f"[A file{named} of type {kind[:100] or 'unknown'} and {len(decoded)} bytes, which is not shown.]")


def _bounded(blocks: Sequence[Shown], most: int) -> Sequence[Shown]:
    left = most
    kept: list[Shown] = []
    for block in blocks:
        if isinstance(block, Text):
            if len(block.text) > left:
                cut = f"\n[The rest was left out: the result has more than {most} characters.]"
                kept.append(Text(block.text[:left] + cut))
                break
            left -= len(block.text)
        kept.append(block)
    return kept
