"""Schemas of OpenAPI as JSON Schemas that stand alone: references resolved, and nothing without a bound.

OpenAPI 3.0 has words of its own (`nullable`, boolean `exclusiveMinimum`); what only documents (`example`, `xml`, `x-…`)
is left out, since every call of a model pays for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote

DEEPEST = 24
MOST_NODES = 500
"""Parts of one tool's schemas: every call of a model pays for them."""
MOST_HOPS = 20
_MAPS = frozenset(("properties", "patternProperties", "dependentSchemas"))
_LISTS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_SINGLE = frozenset(
    (
        "items",
        "additionalProperties",
        "not",
        "if",
        "then",
        "else",
        "contains",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)
_DROPPED = frozenset(
    (
        "example",
        "examples",
        "xml",
        "externalDocs",
        "discriminator",
        "nullable",
        "readOnly",
        "writeOnly",
        "$schema",
        "$id",
        "$anchor",
        "$defs",
        "definitions",
        "$comment",
        "$dynamicAnchor",
        "$dynamicRef",
    )
)
_LONGEST_TEXT = 1024
Schema = dict[str, Any]


class BadReference(Exception):
    """In words for the operator."""


def resolved(document: Mapping[str, Any], found: Any) -> Any:
    """What a reference leads to, or what was no reference. Raises BadReference."""
    hops = 0
    while isinstance(found, Mapping) and isinstance(reference := found.get("$ref"), str):
        hops += 1
        if hops > MOST_HOPS:
            raise BadReference(f"`{reference[:200]}` leads round in a circle")
        found = _target(document, reference)
    return found


def _target(document: Mapping[str, Any], reference: str) -> Any:
    if not reference.startswith("#/"):
        raise BadReference(f"`{reference[:200]}` leads out of the document, and only what is in it is read")
    place: Any = document
    for step in reference[2:].split("/"):
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(place, Mapping) and name in place:
            place = place[name]
        elif isinstance(place, list) and name.isdecimal() and int(name) < len(place):
            place = place[int(name)]
        else:
            raise BadReference(f"`{reference[:200]}` leads nowhere")
    return place


class Alone:
    """Schemas of one tool, written so that they need no document. What is deeper than is taken here, and where a schema
    has itself inside, is left open: anything may stand there.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._left = MOST_NODES
        self._deepest = 0

    def schema(self, found: Any) -> Schema:
        """As deep as all of a level can be taken. Raises BadReference."""
        self._deepest, count = self._depth(found)
        self._left -= count
        return self._schema(found, 0, frozenset())

    def _depth(self, found: Any) -> tuple[int, int]:
        """How deep it may go, and how many parts that is."""
        level: list[tuple[Any, frozenset[str]]] = [(found, frozenset())]
        count = 0
        for depth in range(DEEPEST + 1):
            if count + len(level) > self._left:
                return depth - 1, count
            count += len(level)
            below = (one for part, inside in level for one in self._below(part, inside))
            level = list(islice(below, self._left + 1))
            if not level:
                return depth, count
        return DEEPEST, count

    def _below(self, found: Any, inside: frozenset[str]) -> Iterator[tuple[Any, frozenset[str]]]:
        if not isinstance(found, Mapping):
            return
        reference = found.get("$ref")
        if isinstance(reference, str):
            if reference not in inside:
                yield _target(self._document, reference), inside | {reference}
            return
        for name, value in found.items():
            if name in _SINGLE:
                yield value, inside
            elif (name in _MAPS and isinstance(value, Mapping)) or (name in _LISTS and isinstance(value, list)):
                yield from ((part, inside) for part in (value.values() if isinstance(value, Mapping) else value))

    def _schema(self, found: Any, depth: int, inside: frozenset[str]) -> Schema:
        if not isinstance(found, Mapping) or depth > self._deepest:
            return {}
        reference = found.get("$ref")
        if not isinstance(reference, str):
            return dict(self._members(found, depth, inside))
        if reference in inside:
            return {"description": "The same again."}
        target = self._schema(_target(self._document, reference), depth + 1, inside | {reference})
        said = {name: found[name] for name in ("description", "default") if name in found}
        return {**target, **said}

    def _members(self, found: Mapping[str, Any], depth: int, inside: frozenset[str]) -> Iterator[tuple[str, Any]]:
        for name, value in found.items():
            if name in _DROPPED or name.startswith("x-"):
                continue
            if name in _MAPS and isinstance(value, Mapping):
                yield name, {key: self._schema(part, depth + 1, inside) for key, part in value.items()}
            elif name in _LISTS and isinstance(value, list):
                yield name, [self._schema(part, depth + 1, inside) for part in value]
            elif name in _SINGLE and isinstance(value, Mapping):
                yield name, self._schema(value, depth + 1, inside)
            else:
                yield from _plain(name, value, found)


def _plain(name: str, value: Any, found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if name in _EXCLUSIVE and isinstance(value, bool):
        if value and _EXCLUSIVE[name] in found:
            yield name, found[_EXCLUSIVE[name]]
    elif name in ("minimum", "maximum") and found.get(f"exclusive{name.capitalize()}") is True:
        return
    elif name == "type" and found.get("nullable") is True and isinstance(value, str):
        yield name, [value, "null"]
    elif name == "enum" and found.get("nullable") is True and isinstance(value, list):
        yield name, [*value, None] if None not in value else value
    elif name == "description":
        yield name, str(value)[:_LONGEST_TEXT]
    else:
        yield name, value


_EXCLUSIVE: Final = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
