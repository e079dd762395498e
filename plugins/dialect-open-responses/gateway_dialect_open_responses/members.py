"""Members: a JSON object that a client sent, read member by member, with the path of whatever is wrong.

An explicit `null` counts as not given, as it does at OpenAI. What nobody took is left in `rest`.
"""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec
from msgspec import Raw

from gateway import BadCall, Extra
from gateway.wire.jsontext import UNREADABLE, encode, is_null

T = TypeVar("T")

NAME = "open-responses"

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ARRAY = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)
_FLAG = msgspec.json.Decoder(bool)
_INTEGER = msgspec.json.Decoder(int)
_NUMBER = msgspec.json.Decoder(float)


def spliced(value: object, extra: Extra) -> Raw:
    """A struct as a JSON object, with members of `extra` behind its own."""
    body = encode(value)
    if not extra:
        return Raw(body)
    tail = encode(extra)[1:]
    return Raw(body[:-1] + tail if body == b"{}" else body[:-1] + b"," + tail)


def parsed(body: bytes) -> Extra:
    """The members of a whole body, duplicates collapsed to the last. Raises BadCall."""
    try:
        if not body.isascii():
            body.decode()
        return _OBJECT.decode(body)
    except UNREADABLE as error:
        raise unreadable(body, error) from error


def unreadable(body: bytes, error: Exception) -> BadCall:
    """Why a body cannot be read, in words for the client."""
    if isinstance(error, RecursionError):
        return BadCall("The request body is nested too deeply.", code="invalid_json")
    if isinstance(error, UnicodeDecodeError):
        return BadCall("The request body is not valid UTF-8.", code="invalid_json")
    if isinstance(error, msgspec.ValidationError):
        return _mistyped(str(error))
    if not body.strip():
        return BadCall("The request body is empty; send a JSON object.", code="invalid_json")
    if _only_surrogates(body):
        return BadCall("The request body holds half of a UTF-16 surrogate pair.", code="invalid_json")
    return BadCall(f"The request body is not valid JSON: {error}.", code="invalid_json")


def _mistyped(text: str) -> BadCall:
    what, _, path = text.partition(" - at `$")
    path = path.rstrip("`").lstrip(".")
    if not path:
        return BadCall("The request body must be a JSON object.", code="invalid_json")
    return BadCall(f"`{path}`: {what[:1].lower()}{what[1:]}.", param=path, code="invalid_type")


def _only_surrogates(body: bytes) -> bool:
    """msgspec calls a lone surrogate "truncated"; the stdlib reads it, so it tells the two apart."""
    try:
        json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return b"\\u" in body


def _no_constant(name: str) -> float:
    raise ValueError(name)


class Members:
    """path: of the object in the body, "" for the body itself, else as `input[2].`"""

    __slots__ = ("_members", "path")

    def __init__(self, members: Extra, path: str = "") -> None:
        self._members = members
        self.path = path

    @classmethod
    def of(cls, value: Raw, path: str) -> Members:
        """The object at `path`. Raises BadCall where it is none."""
        return cls(_typed(value, _OBJECT, path, "an object"), path + ".")

    def raw(self, name: str) -> Raw | None:
        """Takes a member as it stands."""
        value = self._members.pop(name, None)
        return None if value is None or is_null(value) else value

    def seen(self, name: str) -> Raw | None:
        """The same, leaving it."""
        value = self._members.get(name)
        return None if value is None or is_null(value) else value

    def text(self, name: str) -> str | None:
        return self._take(name, _TEXT, "a string")

    def needed(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise self.wrong(name, "is required", "missing_required_parameter")
        return value

    def flag(self, name: str) -> bool | None:
        return self._take(name, _FLAG, "true or false")

    def integer(self, name: str) -> int | None:
        return self._take(name, _INTEGER, "an integer")

    def number(self, name: str) -> float | None:
        return self._take(name, _NUMBER, "a finite number")

    def array(self, name: str) -> list[Raw] | None:
        return self._take(name, _ARRAY, "an array")

    def object(self, name: str) -> Members | None:
        value = self.raw(name)
        return None if value is None else Members.of(value, self.path + name)

    def rest(self) -> Extra:
        """What was not taken, without nulls."""
        return {name: value for name, value in self._members.items() if not is_null(value)}

    def wrong(self, name: str, what: str, code: str = "invalid_value") -> BadCall:
        path = self.path + name
        return BadCall(f"`{path}` {what}.", param=path, code=code)

    def _take(self, name: str, decoder: msgspec.json.Decoder[T], what: str) -> T | None:
        value = self.raw(name)
        return None if value is None else _typed(value, decoder, self.path + name, what)


def text_at(value: Raw, path: str) -> str:
    return _typed(value, _TEXT, path, "a string")


def _typed(value: Raw, decoder: msgspec.json.Decoder[T], path: str, what: str) -> T:
    try:
        return decoder.decode(value)
    except UNREADABLE as error:
        raise BadCall(f"`{path}` must be {what}.", param=path, code="invalid_type") from error
