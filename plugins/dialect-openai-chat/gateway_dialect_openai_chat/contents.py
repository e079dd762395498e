"""Blocks to the parts of a message's content."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Audio, Block, File, Image, Opaque, Text
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import pictures
from .proofs import DETAILS, NAME

Placed = tuple[str, Block]
"""A block, and the path of where it stands in the call."""


def content(placed: Sequence[Placed], loss: Loss) -> str | list[Members] | None:
    """A plain string where one text is all; None where nothing is left."""
    parts = [part for path, block in placed if (part := _part(block, path, loss))]
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        text = parts[0]["text"]
        return text if isinstance(text, str) else parts
    return parts or None


def _part(block: Block, path: str, loss: Loss) -> Members | None:
    match block:
        case Text(text=text, extra=extra):
            return {"type": "text", "text": text, **loss.keep(extra, path)}
        case Image():
            return _image(block, path, loss)
        case Audio(data=str(data)):
            inner = jsontext.given({"data": data, "format": block.format})
            return jsontext.merged({"type": "input_audio", "input_audio": inner}, loss.keep(block.extra, path))
        case File():
            return _file(block, path, loss)
        case Opaque(dialect=dialect, form=form) if dialect == NAME and loss.own and form != DETAILS:
            return _whole(block)
    loss.add(path)
    return None


def _image(image: Image, path: str, loss: Loss) -> Members | None:
    url = pictures.address(image)
    if url is None:
        loss.add(path)
        return None
    inner = jsontext.given({"url": url, "detail": image.detail})
    return jsontext.merged({"type": "image_url", "image_url": inner}, loss.keep(image.extra, path))


def _file(file: File, path: str, loss: Loss) -> Members | None:
    """OpenAI has no place for a URL here; a client of this dialect that sends one knows its upstream."""
    if file.url is not None and not loss.own:
        loss.add(path)
        return None
    data = file.data
    if data is not None and (file.media_type or not loss.own):
        data = f"data:{file.media_type or 'application/pdf'};base64,{data}"
    inner = jsontext.given(
        {"file_url": file.url, "file_data": data, "file_id": file.file_id, "filename": file.filename}
    )
    return jsontext.merged({"type": "file", "file": inner}, loss.keep(file.extra, path))


def _whole(block: Opaque) -> Members:
    return dict(jsontext.members(block.payload))
