"""Secret: a string that does not print."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn


def revealed_hook(value: object) -> object:
    """For encoders of what is sealed afterwards."""
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(f"{type(value).__name__} cannot be written")


def secret_hook(kind: type[Any], value: object) -> Secret:
    """For decoders."""
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise ValueError(f"Expected `{kind.__name__}`")


class Secret:
    """A key, token or password. `repr`, `str` and formatting give `***`; only `reveal()` gives the text.

    It compares in constant time and refuses to be pickled, so it can be logged or dumped by mistake without harm.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")
