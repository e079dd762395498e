"""Overflow: how upstreams say that a call is too long for the model, as data.

Vendors have a code for it, or nothing but a sentence: there is no other sign by which a call that a larger model would
take can be told from one that every model would refuse. So sentences of theirs are matched here, and only here; no
error of our own is told apart by its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files

import msgspec

from ..errors import UpstreamError, UpstreamRefused
from ..settings.routes import OverflowWords
from ..wire.jsontext import loaded

LONGEST = 2000
"""Characters of a message that are looked at."""
_UNREADABLE = (ValueError, RecursionError)
_NUMBER = r"\d[\d,._]*"


class Wording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    wording: str
    said: str
    source: str


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """overflow.yaml; its own comments say what is what."""

    codes: Mapping[str, str]
    wordings: tuple[Wording, ...]


class Overflow:
    def __init__(self, codes: Iterable[str], wordings: Iterable[str]) -> None:
        self._codes = frozenset(codes)
        self._wordings = re.compile("|".join(_pattern(wording) for wording in wordings), re.IGNORECASE)

    @classmethod
    def read(cls, own: OverflowWords) -> Overflow:
        """What is known, and the operator's own."""
        known = built_in()
        return cls((*known.codes, *own.codes), (*(row.wording for row in known.wordings), *own.wordings))

    def told(self, error: UpstreamError) -> bool:
        """Whether that is what the error says."""
        body = _object(error.body) if isinstance(error, UpstreamRefused) else {}
        if not self._codes.isdisjoint((error.code or "", *_codes(body))):
            return True
        return any(self._wordings.search(text[:LONGEST]) for text in (error.public, *_passed_on(body)))


def built_in() -> Known:
    return msgspec.yaml.decode(files(__package__).joinpath("overflow.yaml").read_bytes(), type=Known)


def _pattern(wording: str) -> str:
    return r"\s+".join(re.escape(word).replace(r"\#", _NUMBER) for word in wording.split())


def _object(body: bytes) -> Mapping[str, object]:
    try:
        found = loaded(body)
    except _UNREADABLE:
        return {}
    return found if isinstance(found, dict) else {}


def _codes(body: Mapping[str, object]) -> Iterator[str]:
    """Codes and types, those of the error within its envelope included."""
    for said in (body, body.get("error")):
        if isinstance(said, dict):
            yield from (str(said[name]) for name in ("code", "type") if isinstance(said.get(name), str | int))


def _passed_on(body: Mapping[str, object]) -> Iterator[str]:
    """What an upstream that is a router itself passes on of the words of the one behind it (`error.metadata.raw`)."""
    error = body.get("error")
    metadata = error.get("metadata") if isinstance(error, dict) else None
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if isinstance(raw, str):
        yield raw
