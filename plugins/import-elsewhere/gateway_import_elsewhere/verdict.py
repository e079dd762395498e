"""What became of each object that was to be taken over, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

Verdict = Literal["carried", "known", "changed", "dropped"]
"""carried: as it was. known: here already, and left as it is here. changed: here, but not as it was there."""
ORDER: tuple[Verdict, ...] = ("carried", "known", "changed", "dropped")


class Note(msgspec.Struct, frozen=True):
    """what: the kind of object, as `users`, or a member of one, as `users.avatar`. id: what it is called there.

    count: how many it stands for, where there is no more to tell them apart by.
    """

    what: str
    id: str
    verdict: Verdict
    why: str = ""
    count: int = 1


class Line(msgspec.Struct, frozen=True):
    """Notes that say the same. examples: the first of their ids."""

    what: str
    verdict: Verdict
    count: int
    why: str
    examples: tuple[str, ...] = ()


EXAMPLES = 3


def lines(notes: Iterable[Note]) -> Iterator[Line]:
    """By what, in the order of their coming, then by verdict."""
    counts: Counter[tuple[str, Verdict, str]] = Counter()
    examples: dict[tuple[str, Verdict, str], list[str]] = {}
    place: dict[str, int] = {}
    for note in notes:
        key = (note.what, note.verdict, note.why)
        place.setdefault(note.what.partition(".")[0], len(place))
        counts[key] += note.count
        named = examples.setdefault(key, [])
        if note.id and len(named) < EXAMPLES:
            named.append(note.id)
    for key in sorted(counts, key=lambda one: (place[one[0].partition(".")[0]], one[0], ORDER.index(one[1]), one[2])):
        yield Line(key[0], key[1], counts[key], key[2], tuple(examples[key]))
