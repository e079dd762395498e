"""Message content to blocks: a string, or parts.

Source: OpenAI's ChatCompletionContentPart…Param. Parts that are not OpenAI's (`video_url`) stay whole, as Opaque.
"""

from __future__ import annotations

import re

from gateway import Audio, Block, Extra, File, Image, Opaque, Reasoning, Refusal, Text
from gateway.wire import jsontext
from gateway.wire.members import RAW, TEXT, Kind

from .fields import OBJECTS, Fields
from .proofs import NAME

PARTS: Kind[list[Extra]] = Kind(list[Extra], "a string or a list of parts")
_DATA_URL = re.compile(r"data:([^,]*?);base64,(.*)", re.DOTALL | re.IGNORECASE)


def content(fields: Fields) -> list[Block]:
    """The blocks of a message's `content`; none where it is null or absent."""
    value = fields.raw("content")
    if value is None:
        return []
    path = fields.at("content")
    if bytes(value)[:1] == b'"':
        return [Text(TEXT.read(value, path))]
    return [_part(Fields(members, f"{path}[{at}]")) for at, members in enumerate(PARTS.read(value, path))]


def _part(fields: Fields) -> Block:
    """One part; what it is made of decides where its type does not say."""
    whole = fields.rest()
    kind = fields.need("type", TEXT)
    match kind:
        case "text":
            return Text(fields.need("text", TEXT), fields.others())
        case "image_url":
            return _image(fields)
        case "input_audio":
            inner = fields.needed_inner("input_audio")
            data, form = inner.need("data", TEXT), inner.take("format", TEXT)
            return Audio(data, form, extra=fields.others("input_audio", inner))
        case "file":
            return _file(fields)
    block = _told(kind, fields)
    return Opaque(NAME, kind, jsontext.raw(whole)) if block is None or fields.others() else block


def _told(kind: str, fields: Fields) -> Refusal | Reasoning | None:
    """What has no place for further members. Thinking is Mistral's."""
    if kind == "refusal":
        return Refusal(fields.need("refusal", TEXT))
    return _thinking(fields) if kind == "thinking" else None


def _image(fields: Fields) -> Image:
    """Mistral takes the URL itself in place of the object."""
    value = fields.need("image_url", RAW)
    path = fields.at("image_url")
    inner = Fields({"url": value} if bytes(value)[:1] == b'"' else _IMAGE_URL.read(value, path), path)
    url, detail = inner.need("url", TEXT), inner.take("detail", TEXT)
    extra = fields.others("image_url", inner)
    if found := split(url):
        return Image(data=found[1], media_type=found[0], detail=detail, extra=extra)
    return Image(url=url, detail=detail, extra=extra)


def _file(fields: Fields) -> File:
    """`file_data` is a data URL, or base64 alone. `file_url` is not OpenAI's but some gateways'."""
    inner = fields.needed_inner("file")
    data = inner.take("file_data", TEXT)
    found = split(data) if data else None
    block = File(
        url=inner.take("file_url", TEXT),
        data=found[1] if found else data,
        media_type=found[0] if found else None,
        file_id=inner.take("file_id", TEXT),
        filename=inner.take("filename", TEXT),
    )
    block.extra = fields.others("file", inner)
    return block


def _thinking(fields: Fields) -> Reasoning:
    value = fields.need("thinking", RAW)
    path = fields.at("thinking")
    if bytes(value)[:1] == b'"':
        return Reasoning(TEXT.read(value, path))
    thoughts = [Fields(members, f"{path}[{at}]") for at, members in enumerate(OBJECTS.read(value, path))]
    return Reasoning("".join(thought.take("text", TEXT) or "" for thought in thoughts))


def split(url: str) -> tuple[str | None, str] | None:
    """Media type, without its parameters, and base64 of a data URL."""
    found = _DATA_URL.fullmatch(url)
    return (found[1].partition(";")[0] or None, found[2]) if found else None


_IMAGE_URL: Kind[Extra] = Kind(Extra, "an object with `url`")
