"""A function call whose arguments come piece by piece, put together again. Source: Vertex AI, `PartialArg`.

Each piece names its place by a JSON path of names and indexes, as `$.foo.bar[0]`; text at one place goes on.
"""

from __future__ import annotations

import re
from itertools import pairwise

from msgspec import Raw

from gateway import Extra, UpstreamBroken
from gateway.wire import jsontext

from . import chunks

PARTIAL, GOES_ON = "partialArgs", "willContinue"
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d{1,4})\]|\['([^']*)'\]")
_VALUES = ("stringValue", "numberValue", "boolValue")


class Partial:
    """A call that has begun. part: its members and what stood around it, without arguments."""

    def __init__(self, part: Extra, proof: Raw | None) -> None:
        self.part = part
        self.proof = proof
        self._args: dict[str, object] = {}

    def add(self, pieces: Raw) -> None:
        """Raises UpstreamBroken for a place that cannot be."""
        for piece in jsontext.objects(pieces):
            steps = _steps(chunks.text(piece.get("jsonPath")) or "")
            given = next((piece[name] for name in _VALUES if name in piece), jsontext.NULL)
            _put(self._args, steps, jsontext.loaded(given))

    def whole(self) -> Extra:
        """The part as if it had come at once."""
        call = jsontext.members(self.part["functionCall"]) | {"args": jsontext.raw(self._args)}
        return self.part | {"functionCall": jsontext.raw(call)}


def goes_on(call: Extra) -> bool:
    return bytes(call.get(GOES_ON, jsontext.NULL)) == b"true"


def _steps(path: str) -> list[str | int]:
    found: list[str | int] = []
    at = 1
    while at < len(path) and (step := _STEP.match(path, at)):
        found.append(int(step[2]) if step[2] is not None else step[1] if step[1] is not None else step[3])
        at = step.end()
    if not path.startswith("$") or at != len(path) or not found or not isinstance(found[0], str):
        raise UpstreamBroken("The upstream sent a piece of arguments without a place for it.")
    return found


def _put(args: dict[str, object], steps: list[str | int], value: object) -> None:
    place: dict[str, object] | list[object] = args
    for step, following in pairwise(steps):
        inner = _at(place, step)
        if not isinstance(inner, dict | list):
            made: dict[str, object] | list[object] = [] if isinstance(following, int) else {}
            _set(place, step, made)
            inner = made
        place = inner
    before = _at(place, steps[-1])
    goes = isinstance(before, str) and isinstance(value, str)
    _set(place, steps[-1], f"{before}{value}" if goes else value)


def _at(place: dict[str, object] | list[object], step: str | int) -> object:
    if isinstance(place, dict):
        return place.get(str(step))
    return place[step] if isinstance(step, int) and step < len(place) else None


def _set(place: dict[str, object] | list[object], step: str | int, value: object) -> None:
    if isinstance(place, dict):
        place[str(step)] = value
    elif isinstance(step, int):
        place.extend([None] * (step + 1 - len(place)))
        place[step] = value
