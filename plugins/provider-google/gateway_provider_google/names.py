"""Names of models: those that the operator lists, those of the upstream's list, and those of `models.json`."""

from __future__ import annotations

from importlib.resources import files

from msgspec import Struct, json

GENERATES = "generateContent"


class Defaults(Struct, frozen=True):
    """source: where they are from. date: when that was read."""

    source: str
    date: str
    names: tuple[str, ...]


class _Entry(Struct, rename="camel"):
    name: str
    supported_generation_methods: tuple[str, ...] = (GENERATES,)


class _Listing(Struct):
    models: list[_Entry]


_listing = json.Decoder(_Listing)


def defaults() -> Defaults:
    return json.decode((files(__package__) / "models.json").read_bytes(), type=Defaults)


def listed(text: str | None) -> tuple[str, ...]:
    """A variable's value: names with commas between."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def generators(body: bytes) -> list[str]:
    """The models that answer, in `{"models": [{"name": "models/…", "supportedGenerationMethods": […]}]}`.

    Raises msgspec.DecodeError.
    """
    entries = _listing.decode(body).models
    return [entry.name.removeprefix("models/") for entry in entries if GENERATES in entry.supported_generation_methods]
