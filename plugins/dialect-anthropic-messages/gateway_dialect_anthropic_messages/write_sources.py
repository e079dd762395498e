"""Images and documents to content blocks.

The vendor takes four types of pictures, PDF as base64 or by URL, and text as text; others' file ids mean nothing to it.
"""

from __future__ import annotations

import mimetypes
from base64 import b64decode

from gateway import File, Image
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from .read_sources import PLAIN

PDF = "application/pdf"
_PICTURES = {"iVBOR": "image/png", "/9j/": "image/jpeg", "R0lG": "image/gif", "UklG": "image/webp"}
_SHOWN = frozenset(_PICTURES.values())
"""Types of pictures that the vendor takes."""
_TEXTS = frozenset(("application/json", "application/xml", "application/x-yaml", "application/javascript"))


def image(block: Image, path: str, loss: Loss) -> Members | None:
    """None where it has no place, which is told."""
    source: Members
    if block.data is not None:
        kind = block.media_type or _begins(block.data) or "image/png"
        if not loss.own and (kind := _plain(kind)) not in _SHOWN:
            loss.add(path)
            return None
        source = {"type": "base64", "media_type": kind, "data": block.data}
    elif block.url is not None:
        source = {"type": "url", "url": block.url}
    elif block.file_id is not None and loss.own:
        source = {"type": "file", "file_id": block.file_id}
    else:
        loss.add(path)
        return None
    if block.detail not in (None, "auto"):
        loss.add(f"{path}.detail")
    return jsontext.merged({"type": "image", "source": source}, loss.keep(block.extra, path))


def document(block: File, path: str, loss: Loss) -> Members | None:
    """None where it has no place, which is told. One that came whole, in members of this dialect, goes so again."""
    extra = loss.keep(block.extra, path)
    told = jsontext.members(extra["source"]) if "source" in extra else {}
    source: Members | None = {} if "type" in told else _source(block, loss.own)
    if source is None:
        loss.add(path)
        return None
    kind = "image" if str(source.get("media_type", "")).startswith("image/") else "document"
    out: Members = {"type": kind, "source": source}
    if block.filename is not None and kind == "document":
        out["title"] = block.filename
    return jsontext.merged(out, extra)


def _source(block: File, own: bool) -> Members | None:
    if block.url is not None:
        fits = own or block.media_type is None or _kind(block) == PDF
        return {"type": "url", "url": block.url} if fits else None
    if block.data is None:
        return {"type": "file", "file_id": block.file_id} if block.file_id is not None and own else None
    kind = _kind(block)
    if kind == PDF or kind in _SHOWN:
        return {"type": "base64", "media_type": kind, "data": block.data}
    if kind.startswith("text/") or kind in _TEXTS:
        text = _decoded(block.data)
        if text is not None:
            return {"type": "text", "media_type": PLAIN, "data": text}
    return {"type": "base64", "media_type": kind, "data": block.data} if own else None


def _kind(block: File) -> str:
    """What it says it is, else what it looks like."""
    if block.media_type:
        return _plain(block.media_type)
    guessed = mimetypes.guess_type(block.filename)[0] if block.filename else None
    return guessed or _begins(block.data or "") or PDF


def _plain(kind: str) -> str:
    """Without parameters, and by the name that is registered."""
    name = kind.partition(";")[0].strip().lower()
    return "image/jpeg" if name == "image/jpg" else name


def _begins(data: str) -> str | None:
    return next((kind for start, kind in _PICTURES.items() if data.startswith(start)), None)


def _decoded(data: str) -> str | None:
    try:
        return b64decode(data, validate=False).decode()
    except ValueError:
        return None
