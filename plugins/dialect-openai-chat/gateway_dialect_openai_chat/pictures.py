"""Pictures that a model made, as OpenRouter has them: `images` beside the text, each a part; both ways."""

from __future__ import annotations

from gateway import Image
from gateway.wire.jsontext import Members

from .parts import split


def read(held: object) -> Image | None:
    """Of a part's `image_url`, an object or the URL alone; None where it names no picture."""
    url = held.get("url") if isinstance(held, dict) else held
    if not isinstance(url, str) or not url:
        return None
    found = split(url)
    return Image(url=url) if found is None else Image(data=found[1], media_type=found[0])


def write(image: Image) -> Members | None:
    """The part; None for a file that only its maker knows."""
    url = address(image)
    return None if url is None else {"type": "image_url", "image_url": {"url": url}}


def address(image: Image) -> str | None:
    """Where it is: a URL, or all of it as one."""
    if image.data is not None:
        return f"data:{image.media_type or 'image/png'};base64,{image.data}"
    return image.url
