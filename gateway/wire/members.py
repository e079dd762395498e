"""A JSON object that a client sent, read member by member: an error names its path, and what is unknown is kept.

An explicit `null` counts as not given, as it does wherever SDKs write out what was not set.
"""

from __future__ import annotations

import json
from typing import Generic, Self, TypeVar

import msgspec
from msgspec import Raw

from ..call import Extra
from ..errors import BadCall
from .jsontext import UNREADABLE, is_null

T = TypeVar("T")


class Kind(Generic[T]):
    """What a member may be. words: for the error, as `a string`."""

    __slots__ = ("_decoder", "_words")

    def __init__(self, kind: type[T], words: str) -> None:
        self._decoder = msgspec.json.Decoder(kind)
        self._words = words

    def read(self, value: Raw | bytes, path: str) -> T:
        """The value at `path`. Raises BadCall where it is of another kind."""
        try:
            return self._decoder.decode(value)
        except RecursionError as error:
            raise BadCall(f"`{path}` is nested too deeply.", param=path) from error
        except UNREADABLE as error:
            raise BadCall(f"`{path}` must be {self._words}.", param=path, code="invalid_type") from error


TEXT = Kind(str, "a string")
FLAG = Kind(bool, "true or false")
INTEGER = Kind(int, "an integer")
NUMBER = Kind(float, "a finite number")
ARRAY = Kind(list[Raw], "an array")
OBJECT = Kind(Extra, "an object")
RAW = Kind(Raw, "JSON")


class Members:
    """One object. What is taken is gone from it; `rest` is what nobody took.

    path: of the object in the body, as `messages[2].content`; "" for the body itself.
    """

    __slots__ = ("_members", "path")

    def __init__(self, members: Extra, path: str = "") -> None:
        self._members = members
        self.path = path

    @classmethod
    def of(cls, value: Raw, path: str) -> Self:
        """The object at `path`. Raises BadCall where it is none."""
        return cls(OBJECT.read(value, path), path)

    def at(self, name: str) -> str:
        """A member's path."""
        return f"{self.path}.{name}" if self.path else name

    def raw(self, name: str) -> Raw | None:
        """Takes a member as it stands."""
        value = self._members.pop(name, None)
        return None if value is None or is_null(value) else value

    def seen(self, name: str) -> Raw | None:
        """The same, leaving it."""
        value = self._members.get(name)
        return None if value is None or is_null(value) else value

    def take(self, name: str, kind: Kind[T]) -> T | None:
        value = self.raw(name)
        return None if value is None else kind.read(value, self.at(name))

    def need(self, name: str, kind: Kind[T]) -> T:
        found = self.take(name, kind)
        if found is None:
            raise self.wrong(name, "is required", "missing_required_parameter")
        return found

    def array(self, name: str) -> list[Raw]:
        """The elements of an array; none where it is not given."""
        return self.take(name, ARRAY) or []

    def inner(self, name: str) -> Self | None:
        """The object under a name."""
        value = self.raw(name)
        return None if value is None else self.of(value, self.at(name))

    def needed_inner(self, name: str) -> Self:
        return type(self)(self.need(name, OBJECT), self.at(name))

    def put(self, name: str, value: Raw) -> None:
        """Gives back what is left of a member that was taken."""
        self._members[name] = value

    def rest(self) -> Extra:
        """What was not taken, nulls included."""
        return dict(self._members)

    def given(self) -> Extra:
        """What was not taken, without nulls."""
        return {name: value for name, value in self._members.items() if not is_null(value)}

    def wrong(self, name: str, what: str, code: str = "invalid_value") -> BadCall:
        """The error to raise about a member. what: as `must be one of a, b`."""
        path = self.at(name)
        return BadCall(f"`{path}` {what}.", param=path, code=code)


_BODY = msgspec.json.Decoder(Extra)


def parsed(body: bytes) -> Extra:
    """The members of a whole body, duplicates collapsed to the last. Raises BadCall where it is no JSON object."""
    try:
        if not body.isascii():
            body.decode()  # msgspec does not look into strings that it skips
        return _BODY.decode(body)
    except UNREADABLE as error:
        raise unreadable(body, error) from error


def unreadable(body: bytes, error: Exception) -> BadCall:
    """Why a body cannot be read as the JSON object it has to be, in words for the client."""
    if isinstance(error, RecursionError):
        return BadCall("The request body is nested too deeply.", code="invalid_json")
    if isinstance(error, UnicodeDecodeError):
        return BadCall("The request body is not valid UTF-8.", code="invalid_json")
    if isinstance(error, msgspec.ValidationError):
        return BadCall("The request body must be a JSON object.", code="invalid_json")
    if not body.strip():
        return BadCall("The request body is empty; send a JSON object.", code="invalid_json")
    if _has_half(body):
        return BadCall(
            "The request body has a lone UTF-16 surrogate (half of a character, such as \\ud83d) in a string.",
            code="invalid_json",
        )
    return BadCall(f"The request body is not valid JSON: {error}.", code="invalid_json")


def _has_half(body: bytes) -> bool:
    """msgspec calls a lone surrogate "truncated". The standard library takes it, so it tells the two apart; numbers
    that JSON does not have, which it takes too, are kept out.
    """
    try:
        json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return b"\\u" in body


def _refuse(constant: str) -> None:
    raise ValueError(constant)
