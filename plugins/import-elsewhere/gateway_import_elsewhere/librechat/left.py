"""What is left of a document once its known members are taken: told, so that nothing is lost in silence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..verdict import Note

BOOKKEEPING = frozenset({"_id", "__v"})
"""Mongoose's own."""
NO_PLACE = "the gateway has no place for it"


def left_of(
    what: str, document: Mapping[str, Any], taken: Collection[str], reasons: Mapping[str, str] = {}
) -> Iterator[Note]:
    """A note for each other member that holds anything. reasons: why, where there is more to say."""
    name = str(document.get("_id", ""))
    for member, value in document.items():
        if member not in taken and member not in BOOKKEEPING and value not in (None, "", [], {}, False):
            yield Note(f"{what}.{member}", name, "dropped", reasons.get(member, NO_PLACE))
