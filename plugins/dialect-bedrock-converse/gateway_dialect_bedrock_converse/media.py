"""Images, documents, audio and video to Bedrock's blocks, whose formats are names of its own.

Source: the service model of bedrock-runtime (ImageFormat, DocumentFormat, VideoFormat, AudioFormat). A URL has a place
only where it is of S3.
"""

from __future__ import annotations

from gateway import Audio, File, Image
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from .names import Titles

IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_OFFICE = "application/vnd.openxmlformats-officedocument."
DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/csv": "csv",
    "application/msword": "doc",
    f"{_OFFICE}wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_TEXTS = frozenset(("application/json", "application/xml", "application/x-yaml", "application/javascript"))
"""Text by another name than `text/…`."""
VIDEOS = {
    "video/x-matroska": "mkv",
    "video/quicktime": "mov",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/x-ms-wmv": "wmv",
    "video/3gpp": "three_gp",
}
SOUNDS = {"pcm16": "pcm", "mpga": "mpga"} | {
    name: name
    for name in ("mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "m4a", "mpeg", "pcm", "webm")
}
_BEGINNINGS = {"iVBOR": "png", "/9j/": "jpeg", "R0lG": "gif", "UklGR": "webp"}
_SUFFIXES = {suffix: suffix for suffix in DOCUMENTS.values()} | {"htm": "html", "markdown": "md", "text": "txt"}
_OF_DOCUMENTS = frozenset(("title", "context", "citations"))


def image(block: Image, path: str, loss: Loss) -> Members | None:
    kind = IMAGES.get((block.media_type or "").lower()) or _sniffed(block.data or "")
    if block.url is not None and kind is None:
        kind = IMAGES.get("image/" + _suffix(block.url))
    source = _source(block.data, block.url)
    if source is None or kind is None:
        loss.add(path)
        return None
    if block.detail not in (None, "auto"):
        loss.add(f"{path}.detail")
    return {"image": {"format": kind, "source": source}}


def file(block: File, path: str, titles: Titles, loss: Loss) -> Members | None:
    media_type = (block.media_type or "").partition(";")[0].strip().lower()
    source = _source(block.data, block.url)
    video = VIDEOS.get(media_type)
    if source is not None and video:
        return {"video": {"format": video, "source": source}}
    if source is not None and media_type in IMAGES:
        return {"image": {"format": IMAGES[media_type], "source": source}}
    kind = _of_type(media_type) if media_type else _SUFFIXES.get(_suffix(block.filename or block.url))
    if kind is None and not media_type and (block.data or "").startswith("JVBERi"):
        kind = "pdf"
    if source is None or kind is None:
        loss.add(path)
        return None
    return {"document": {"format": kind, "source": source, **_words(block, path, titles, loss)}}


def _of_type(media_type: str) -> str | None:
    """A document's format: text of any sort is text."""
    text = "txt" if media_type.startswith("text/") or media_type in _TEXTS else None
    return DOCUMENTS.get(media_type) or text


def audio(block: Audio, path: str, loss: Loss) -> Members | None:
    kind = SOUNDS.get((block.format or "").lower())
    if block.data is None or kind is None:
        loss.add(path)
        return None
    return {"audio": {"format": kind, "source": {"bytes": block.data}}}


def _words(block: File, path: str, titles: Titles, loss: Loss) -> Members:
    """A document's name, and members that other dialects have by the same name and shape."""
    if loss.own:
        return {"name": block.filename or "", **block.extra}
    title = block.extra.get("title")
    named = str(jsontext.loaded(title)) if title is not None and jsontext.first(title) == b'"' else None
    out: Members = {"name": titles.take(block.filename or named)}
    context, citations = block.extra.get("context"), block.extra.get("citations")
    if context is not None and jsontext.first(context) == b'"':
        out["context"] = context
    if citations is not None and jsontext.members(citations).get("enabled") is not None:
        out["citations"] = citations
    return out


def known(block: Image | File | Audio) -> frozenset[str]:
    """Extra members that have a place here."""
    return _OF_DOCUMENTS if isinstance(block, File) else frozenset()


def _source(data: str | None, url: str | None) -> Members | None:
    if data is not None:
        return {"bytes": data}
    if url is not None and url.startswith("s3://"):
        return {"s3Location": {"uri": url}}
    return None


def _sniffed(data: str) -> str | None:
    return next((kind for beginning, kind in _BEGINNINGS.items() if data.startswith(beginning)), None)


def _suffix(name: str | None) -> str:
    return (name or "").rpartition(".")[2].lower()
