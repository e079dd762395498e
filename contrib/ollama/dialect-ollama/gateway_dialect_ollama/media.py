"""`images`: base64 without a word on what it is. Sound goes there too, so the first bytes decide.

Source: Ollama, `llm/media.go`.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence

from gateway import Audio, Block, Image
from gateway.wire.losses import Loss

_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
}
UNKNOWN = "application/octet-stream"


def read(data: str) -> Image | Audio:
    begun = _begun(data)
    if begun[:4] == b"RIFF" and begun[8:12] == b"WAVE":
        return Audio(data=data, format="wav")
    if begun[:3] == b"ID3" or (begun[:1] == b"\xff" and begun[1:2] in (b"\xfb", b"\xf3", b"\xf2")):
        return Audio(data=data, format="mp3")
    return Image(data=data, media_type=_picture(begun))


def write(blocks: Sequence[Block], path: str, loss: Loss) -> list[str]:
    """What of a message's blocks goes into `images`. What is elsewhere cannot be fetched by Ollama."""
    found = []
    for at, block in enumerate(blocks):
        if isinstance(block, Image | Audio):
            if block.data is None:
                loss.add(f"{path}[{at}]")
                continue
            loss.keep(block.extra, f"{path}[{at}]")
            if isinstance(block, Image) and block.detail:
                loss.add(f"{path}[{at}].detail")
            found.append(block.data)
    return found


def _picture(begun: bytes) -> str:
    if begun[:4] == b"RIFF" and begun[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for mark, kind in _PICTURES.items() if begun.startswith(mark)), UNKNOWN)


def _begun(data: str) -> bytes:
    try:
        return b64decode(data[:16])
    except ValueError:
        return b""
