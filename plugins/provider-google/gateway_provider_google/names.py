"""The upstream's own list of models."""

from __future__ import annotations

from msgspec import Struct, json

GENERATES = "generateContent"


class _Entry(Struct, rename="camel"):
    name: str
    supported_generation_methods: tuple[str, ...] = (GENERATES,)


class _Listing(Struct):
    models: list[_Entry]


_listing = json.Decoder(_Listing)


def generators(body: bytes) -> list[str]:
    """The models that answer, in `{"models": [{"name": "models/…", "supportedGenerationMethods": […]}]}`.

    Raises msgspec.DecodeError.
    """
    entries = _listing.decode(body).models
    return [entry.name.removeprefix("models/") for entry in entries if GENERATES in entry.supported_generation_methods]
