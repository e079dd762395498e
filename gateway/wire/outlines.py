"""A client's body, peeked at: the few members that are read before anything else is, without parsing the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from .jsontext import UNREADABLE
from .members import unreadable

T = TypeVar("T")


def outlined(body: bytes, decoder: msgspec.json.Decoder[T], explained: Callable[[bytes], T]) -> T:
    """explained: reads the same slowly where it does not fit, each member by itself, so that the error names it.

    Raises BadCall where the body is not UTF-8 or not JSON.
    """
    try:
        if not body.isascii():
            body.decode()  # the decoder does not look into strings that it skips
        return decoder.decode(body)
    except msgspec.ValidationError:
        return explained(body)
    except UNREADABLE as error:
        raise unreadable(body, error) from error
