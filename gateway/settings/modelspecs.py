"""Entries of `modelSpecs.list` that LibreChat passes over, since nothing has their endpoint.

Source: LibreChat `packages/data-schemas/src/app/specs.ts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .contract import Finding
from .convert import nearest
from .keys import KeyFacts
from .paths import Steps, at, text
from .reading import Document

CUSTOM = "custom"
"""Reserved, but no endpoint that an entry may name."""


def skipped_specs(document: Document, facts: KeyFacts) -> Iterator[Finding]:
    known = _endpoints(document, facts)
    for number, spec in enumerate(_list(document, ("modelSpecs", "list"))):
        preset = at(spec, ("preset",))
        if not isinstance(preset, dict) or (preset.get("agent_id") and not preset.get("endpoint")):
            continue
        place: Steps = ("modelSpecs", "list", number, "preset", "endpoint")
        wanted = preset.get("endpoint")
        if not wanted:
            what, todo = "it is missing, so LibreChat passes this entry over", "give it, or take the entry out"
            yield document.finding(place, Finding(text(place), what, todo, "warning"))
        elif _folded(wanted, facts) not in known:
            what = f'there is no endpoint "{wanted}", so LibreChat passes this entry over'
            todo = nearest(str(wanted), known) or f"name one of {', '.join(known)}"
            yield document.finding(place, Finding(text(place), what, todo, "warning"))


def _endpoints(document: Document, facts: KeyFacts) -> Sequence[str]:
    """Built-in ones may be named whether they are configured or not."""
    custom = (at(entry, ("name",)) for entry in _list(document, ("endpoints", CUSTOM)))
    return [
        *(name for name in facts.reserved if name != CUSTOM),
        *(_folded(name, facts) for name in custom if isinstance(name, str)),
    ]


def _list(document: Document, place: Steps) -> list[Any]:
    found = at(document.data, place)
    return found if isinstance(found, list) else []


def _folded(name: object, facts: KeyFacts) -> str:
    word = str(name)
    return word.lower() if word.lower() in facts.any_case else word
