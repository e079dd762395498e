"""Images, documents and search results of a client to blocks.

A document of plain text becomes base64 as every other file; one made of blocks, and a search result, say their text for
every dialect, and ride along whole for this one: as `source` and as all members, `type` among them.
"""

from __future__ import annotations

from base64 import b64encode

from msgspec import Raw

from gateway import BadCall, File, Image, Opaque, Text
from gateway.wire import jsontext
from gateway.wire.members import TEXT, Members

from .names import NAME
from .state import BLOCK

PLAIN = "text/plain"


def image(members: Members, whole: Raw) -> Image | Opaque:
    source = members.needed_inner("source")
    kind = source.need("type", TEXT)
    if kind == "base64":
        block = Image(data=source.need("data", TEXT), media_type=source.take("media_type", TEXT))
    elif kind == "url":
        block = Image(url=source.need("url", TEXT))
    elif kind == "file":
        block = Image(file_id=source.need("file_id", TEXT))
    else:
        return Opaque(NAME, BLOCK, whole)
    _put_back(members, source)
    block.extra = members.given()
    return block


def document(members: Members, whole: Raw) -> File | Opaque:
    """Its title is the file's name."""
    source = members.needed_inner("source")
    kind = source.need("type", TEXT)
    block = File(filename=members.take("title", TEXT))
    if kind == "base64":
        block.data, block.media_type = source.need("data", TEXT), source.take("media_type", TEXT)
    elif kind == "text":
        block.data, block.media_type = _encoded(source.need("data", TEXT)), source.take("media_type", TEXT) or PLAIN
    elif kind == "url":
        block.url = source.need("url", TEXT)
    elif kind == "file":
        block.file_id = source.need("file_id", TEXT)
    elif kind == "content" and (text := _texts(source)) is not None:
        block.data, block.media_type = _encoded(text), PLAIN
        source.put("type", jsontext.raw(kind))
    else:
        return Opaque(NAME, BLOCK, whole)
    _put_back(members, source)
    block.extra = members.given()
    return block


def search_result(members: Members) -> Text:
    """Its title, source and text, so that any model can read it."""
    whole = members.given()
    title, source = members.take("title", TEXT) or "", members.take("source", TEXT) or ""
    text = _texts(members) or ""
    return Text("\n\n".join(part for part in (title, source, text) if part), extra=whole)


def _texts(members: Members) -> str | None:
    """The text of a `content`, which stays where it is; None where it holds more than text."""
    value = members.seen("content")
    path = members.at("content")
    if value is None:
        return None
    if jsontext.first(value) == b'"':
        return TEXT.read(value, path)
    parts = []
    for at, part in enumerate(Members({"content": value}, members.path).array("content")):
        inner = Members.of(part, f"{path}[{at}]")
        if inner.need("type", TEXT) != "text":
            return None
        parts.append(inner.need("text", TEXT))
    return "\n\n".join(parts)


def _put_back(members: Members, source: Members) -> None:
    if rest := source.given():
        members.put("source", jsontext.raw(rest))


def _encoded(text: str) -> str:
    try:
        return b64encode(text.encode()).decode()
    except UnicodeEncodeError as error:
        raise BadCall("A document's text has half a character in it.") from error
