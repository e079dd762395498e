"""A client's objects. Names are read as protobuf's JSON has them: camelCase, or the field's own snake_case."""

from __future__ import annotations

import math

from msgspec import Raw

from gateway import Extra
from gateway.wire import jsontext
from gateway.wire.members import ARRAY, Kind, Members, parsed

_INTEGER = Kind(int | float | str, "an integer")  # type: ignore[arg-type]
_NUMBER = Kind(float | str, "a finite number")  # type: ignore[arg-type]


class Fields(Members):
    """What is known by two names is here under its camelCase one."""

    __slots__ = ()

    def __init__(self, members: Extra, path: str = "") -> None:
        super().__init__({camel(name): value for name, value in once(members).items()}, path)

    def each(self, name: str) -> list[Fields]:
        """The objects of a list; a single object stands for a list of it, as it does with Google."""
        value = self.raw(name)
        if value is None:
            return []
        if jsontext.first(value) == b"{":
            return [Fields.of(value, self.at(name))]
        items = ARRAY.read(value, self.at(name))
        return [Fields.of(item, f"{self.at(name)}[{at}]") for at, item in enumerate(items)]

    def integer(self, name: str) -> int | None:
        """64-bit integers are strings in protobuf's JSON, and SDKs write whole floats."""
        found = self.take(name, _INTEGER)
        if found is None or isinstance(found, int):
            return found
        try:
            number = int(found[:32]) if isinstance(found, str) else int(found)
        except (ValueError, OverflowError):
            number = None
        if number is None or (isinstance(found, float) and number != found):
            raise self.wrong(name, "must be an integer", "invalid_type")
        return number

    def number(self, name: str) -> float | None:
        found = self.take(name, _NUMBER)
        try:
            number = None if found is None else float(found)
        except ValueError:
            number = math.nan
        if number is not None and not math.isfinite(number):
            raise self.wrong(name, "must be a finite number", "invalid_type")
        return number

    def others(self, name: str, inner: Fields | None) -> Extra:
        """What was not taken; what the object under a name has left stands there as `name.member`."""
        found = self.given()
        if inner is not None:
            found |= {f"{name}.{member}": value for member, value in inner.given().items()}
        return found


def camel(name: str) -> str:
    if "_" not in name[1:]:
        return name
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def once(members: Extra) -> Extra:
    """Of what stands there under both of its names, the camelCase one counts, which alone is peeked at."""
    if not any("_" in name for name in members):
        return members
    return {name: value for name, value in members.items() if camel(name) == name or camel(name) not in members}


def parse(body: bytes) -> Fields:
    """A request's body. Raises BadCall with the reason where it is not a JSON object."""
    return Fields(parsed(body))


def nested(extra: Extra) -> dict[str, object]:
    """Members under their dotted names, put into each other again."""
    out: dict[str, object] = {}
    for name, value in extra.items():
        *outer, last = name.split(".")
        place = out
        for step in outer:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                inner = dict[str, object](jsontext.members(inner)) if isinstance(inner, Raw) else {}
                place[step] = inner
            place = inner
        place[last] = value
    return out
