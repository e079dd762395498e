"""Reading one JSON object member by member, so that an error names its path and what is unknown is kept."""

from __future__ import annotations

import json
from typing import Generic, TypeVar

import msgspec
from msgspec import Raw

from gateway import BadCall, Extra
from gateway.wire import jsontext

T = TypeVar("T")
_OBJECT = msgspec.json.Decoder(Extra)
_NOTHING = (b"null", b"[]")


class Kind(Generic[T]):
    """What a member may be. words: for the error, as `a string`. Null stands for an absent member everywhere."""

    __slots__ = ("_decoder", "words")

    def __init__(self, kind: type[T], words: str) -> None:
        self._decoder = msgspec.json.Decoder(kind)
        self.words = words

    def read(self, value: Raw | bytes, path: str) -> T:
        try:
            return self._decoder.decode(value)
        except RecursionError as error:
            raise BadCall(f"`{path}` is nested too deeply.", param=path) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadCall(f"`{path}` must be {self.words}.", code="invalid_type", param=path) from error


TEXT = Kind(str, "a string")
NUMBER = Kind(float, "a number")
INTEGER = Kind(int, "an integer")
FLAG = Kind(bool, "true or false")
OBJECT = Kind(Extra, "an object")
OBJECTS = Kind(list[Extra], "a list of objects")
RAW = Kind(Raw, "JSON")
RAWS = Kind(list[Raw], "a list")


class Fields:
    """One object. `take` removes what it gives; `rest` is what nobody took, nulls included; `others` what of it says
    something: SDKs send back nulls and empty lists for what a reply did not have.
    """

    __slots__ = ("_members", "path")

    def __init__(self, members: Extra, path: str) -> None:
        self._members = members
        self.path = path

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def take(self, name: str, kind: Kind[T]) -> T | None:
        value = self._members.pop(name, None)
        return None if value is None or bytes(value) == b"null" else kind.read(value, self.at(name))

    def need(self, name: str, kind: Kind[T]) -> T:
        found = self.take(name, kind)
        if found is None:
            path = self.at(name)
            raise BadCall(f"`{path}` is required: {kind.words}.", code="missing_required_parameter", param=path)
        return found

    def inner(self, name: str) -> Fields | None:
        """The object under a name."""
        members = self.take(name, OBJECT)
        return None if members is None else Fields(members, self.at(name))

    def needed_inner(self, name: str) -> Fields:
        return Fields(self.need(name, OBJECT), self.at(name))

    def each(self, name: str) -> list[Fields]:
        """The objects of a list under a name."""
        found = self.take(name, OBJECTS) or []
        return [Fields(members, f"{self.at(name)}[{at}]") for at, members in enumerate(found)]

    def put(self, name: str, value: Raw) -> None:
        self._members[name] = value

    def rest(self) -> Extra:
        return dict(self._members)

    def others(self, name: str = "", inner: Fields | None = None) -> Extra:
        """inner: the object under a name, whose own others stand there again."""
        found = {name: value for name, value in self._members.items() if bytes(value) not in _NOTHING}
        if inner is not None and (more := inner.others()):
            found[name] = jsontext.raw(more)
        return found


def parse(body: bytes) -> Fields:
    """A request's body. Raises BadCall with the reason where it is not a JSON object."""
    try:
        return Fields(_OBJECT.decode(body), "")
    except jsontext.UNREADABLE as error:
        raise unreadable(body, error) from error


def unreadable(body: bytes, error: Exception) -> BadCall:
    """Why a body cannot be read as the JSON object it has to be."""
    if isinstance(error, RecursionError):
        return BadCall("The request body is nested too deeply.", code="invalid_json")
    if isinstance(error, UnicodeDecodeError):
        return BadCall("The request body is not valid UTF-8.", code="invalid_json")
    if not body.strip():
        return BadCall("The request body is empty; send a JSON object.", code="invalid_json")
    if isinstance(error, msgspec.ValidationError):
        return BadCall("The request body must be a JSON object.", code="invalid_json")
    if _standard_library_reads(body):
        return BadCall(
            "The request body has a lone UTF-16 surrogate (half of a character, such as \\ud83d) in a string.",
            code="invalid_json",
        )
    return BadCall(f"The request body is not valid JSON: {error}.", code="invalid_json")


def _standard_library_reads(body: bytes) -> bool:
    """It takes lone surrogates; numbers that JSON does not have are kept out."""
    try:
        json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(constant)
