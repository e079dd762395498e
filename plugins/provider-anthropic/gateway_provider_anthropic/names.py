"""Names of models: those that the operator lists, and those of `models.json` where nobody lists any."""

from __future__ import annotations

from importlib.resources import files

from msgspec import Struct, json


class Names(Struct, frozen=True):
    """source: where they are from. date: when that was read."""

    source: str
    date: str
    names: tuple[str, ...]


class Defaults(Struct, frozen=True):
    direct: Names
    vertex: Names


def defaults() -> Defaults:
    return json.decode((files(__package__) / "models.json").read_bytes(), type=Defaults)


def listed(text: str | None) -> tuple[str, ...]:
    """A variable's value: names with commas between."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
