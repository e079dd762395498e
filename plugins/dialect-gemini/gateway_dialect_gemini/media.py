"""Images, audio and files as parts, both ways. Source: Gemini API, `Blob` and `FileData`."""

from __future__ import annotations

import mimetypes
import re
from urllib.parse import SplitResult, urlsplit

from gateway import Audio, Extra, File, Image, Opaque
from gateway.wire import jsontext
from gateway.wire.jsontext import Members

from .names import NAME
from .proofs import WHOLE

Media = Image | File | Audio
INLINE, BY_URI = "inlineData", "fileData"
_AUDIO = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"}
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^;,]*)*;base64,", re.IGNORECASE)
_TYPES = {"webp": "image/webp", "heic": "image/heic", "heif": "image/heif", "md": "text/markdown", "mp3": "audio/mp3"}
"""Types that not every machine's table has."""


def of_data(mime: str, data: str, name: str | None, extra: Extra) -> Media:
    """Base64 comes in both alphabets: Google's SDKs write the URL-safe one, which other vendors refuse."""
    data = data.replace("-", "+").replace("_", "/")
    kind, _, subtype = mime.partition("/")
    if kind == "image":
        return Image(data=data, media_type=mime, extra=_named(INLINE, name, extra))
    if kind == "audio":
        return Audio(data, _AUDIO.get(subtype, subtype), extra=_named(INLINE, name, extra))
    return File(data=data, media_type=mime, filename=name, extra=extra)


def of_uri(uri: str, mime: str | None, name: str | None, extra: Extra) -> Media | None:
    """None for what only Google can read: its own files and buckets."""
    parts = _split(uri)
    if parts is None or parts.scheme not in ("http", "https") or (parts.hostname or "").endswith(".googleapis.com"):
        return None
    if (mime or "").startswith("image/"):
        return Image(url=uri, media_type=mime, extra=_named(BY_URI, name, extra))
    return File(url=uri, media_type=mime, filename=name, extra=extra)


def _named(kind: str, name: str | None, extra: Extra) -> Extra:
    """The name of what has none in other dialects."""
    return {**extra, f"{kind}.displayName": jsontext.raw(name)} if name else extra


def whole(part: Extra) -> Opaque:
    """A part that no other dialect has a word for. It is content, not state: any upstream of Gemini may have it."""
    return Opaque(NAME, WHOLE, jsontext.raw(part))


def part(block: Media) -> Members | None:
    """None where it cannot be said: ids of other upstreams' files, and what is of no known type."""
    if isinstance(block, Audio):
        return None if block.data is None else _inline(f"audio/{block.format or 'wav'}", block.data, None)
    name = block.filename if isinstance(block, File) else None
    mime, data, uri = block.media_type, block.data, block.url or block.file_id
    if data is None and uri and (found := _DATA_URL.match(uri)):
        mime, data = found[1] or mime, uri[found.end() :]
    elif data is not None and (found := _DATA_URL.match(data)):
        mime, data = found[1] or mime, data[found.end() :]
    if data is not None:
        mime = mime or guessed(name or "")
        return _inline(mime, data, name) if mime else None
    place = _split(uri or "")
    mime = mime or guessed(place.path if place is not None else "") or guessed(name or "")
    if not uri or not mime or not re.match(r"(?:https?|gs)://", uri):
        return None
    return {BY_URI: {"mimeType": mime, "fileUri": uri}}


def guessed(path: str) -> str | None:
    """A type by the name's extension."""
    ending = path.rpartition(".")[2].lower() if "." in path else ""
    return _TYPES.get(ending) or mimetypes.types_map.get("." + ending)


def _split(uri: str) -> SplitResult | None:
    """None for what only looks like a URL: `https://[`."""
    try:
        return urlsplit(uri)
    except ValueError:
        return None


def _inline(mime: str, data: str, name: str | None) -> Members:
    blob: Members = {"mimeType": mime, "data": data}
    return {INLINE: blob | ({"displayName": name} if name else {})}
