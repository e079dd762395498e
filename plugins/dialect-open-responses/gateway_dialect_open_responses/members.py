"""What every file here needs: the dialect's name, and a struct that is written with further members."""

from __future__ import annotations

from msgspec import Raw

from gateway import Extra
from gateway.wire.jsontext import encode

NAME = "open-responses"
PICTURE = "image_generation_call"
"""The item of what a hosted tool drew."""


def spliced(value: object, extra: Extra) -> Raw:
    """A struct as a JSON object, with members of `extra` behind its own."""
    body = encode(value)
    if not extra:
        return Raw(body)
    tail = encode(extra)[1:]
    return Raw(body[:-1] + tail if body == b"{}" else body[:-1] + b"," + tail)
