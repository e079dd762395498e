"""What an upstream sends, read into structs: strictly and fast, and leniently where that fails."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from ..errors import UpstreamBroken
from .jsontext import UNREADABLE, loaded

T = TypeVar("T")


class Shape(Generic[T]):
    """A struct without raw members. words: for the error, as `a message`.

    What does not fit is read again: number strings and whole floats count as integers then, lone surrogates stay, and
    bytes that are not UTF-8 are replaced.
    """

    __slots__ = ("_decoder", "_kind", "_words")

    def __init__(self, kind: type[T], words: str) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)
        self._words = words

    def read(self, data: bytes) -> T:
        """Raises UpstreamBroken where it is something else."""
        try:
            return self._decoder.decode(data)
        except UNREADABLE:
            return self._lenient(data)

    def seen(self, data: bytes) -> T | None:
        """The same; None where it is something else."""
        try:
            return self.read(data)
        except UpstreamBroken:
            return None

    def _lenient(self, data: bytes) -> T:
        try:
            return msgspec.convert(loaded(data), self._kind, strict=False)
        except UNREADABLE as error:
            raise UpstreamBroken(f"The upstream sent something that is not {self._words}.") from error
