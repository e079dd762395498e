"""Names that nothing knows, under `gateway:`: a finding each, and they are left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import inspect

from .contract import Finding
from .convert import nearest
from .paths import Steps, text
from .reading import Document
from .shape import below, fields, open_mapping


def strange_names(
    data: Any, kinds: Sequence[inspect.Type], place: Steps, document: Document, others: Sequence[Steps]
) -> tuple[Any, list[Finding]]:
    """The data without them. kinds: all that describe it. others: places that belong to somebody else."""
    findings: list[Finding] = []
    return _clean(data, kinds, place, document, others, findings), findings


def _clean(
    data: Any,
    kinds: Sequence[inspect.Type],
    place: Steps,
    document: Document,
    others: Sequence[Steps],
    findings: list[Finding],
) -> Any:
    if isinstance(data, list):
        return [
            _clean(item, _below(kinds, number), (*place, number), document, others, findings)
            for number, item in enumerate(data)
        ]
    if not isinstance(data, dict):
        return data
    known = {name for kind in kinds for name in fields(kind)}
    free = not known or any(open_mapping(kind) for kind in kinds)
    kept: dict[str, Any] = {}
    for name, value in data.items():
        there = (*place, name)
        if there in others:
            continue
        if name in known or free:
            kept[name] = _clean(value, _below(kinds, name), there, document, others, findings)
        else:
            findings.append(_unknown(there, known, document))
    return kept


def _below(kinds: Sequence[inspect.Type], step: str | int) -> list[inspect.Type]:
    return [found for kind in kinds if (found := below(kind, step)) is not None]


def _unknown(there: Steps, known: set[str], document: Document) -> Finding:
    todo = nearest(str(there[-1]), known) or f"remove it; known here: {', '.join(sorted(known))}"
    return document.finding(there, Finding(text(there), "unknown key", todo), key=True)
