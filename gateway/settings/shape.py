"""What a Struct says of the YAML it reads: the names it knows, their types, and which of them are single values."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import lru_cache
from typing import Literal

import msgspec
from msgspec import inspect

from .paths import Steps

Kind = Literal["text", "whole", "number", "flag", "list"]
LISTS = (inspect.ListType, inspect.VarTupleType, inspect.SetType, inspect.FrozenSetType)


def shape(model: type[msgspec.Struct]) -> inspect.Type:
    return _shape(model)


@lru_cache(None)
def _shape(model: Hashable) -> inspect.Type:
    return inspect.type_info(model)


def branches(kind: inspect.Type) -> Iterator[inspect.Type]:
    """The alternatives of a type, metadata taken off."""
    if isinstance(kind, inspect.Metadata):
        yield from branches(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for part in kind.types:
            yield from branches(part)
    else:
        yield kind


def fields(kind: inspect.Type) -> dict[str, inspect.Field]:
    """The names that a mapping of this type may have; empty where any or none."""
    found: dict[str, inspect.Field] = {}
    for branch in branches(kind):
        if isinstance(branch, inspect.StructType):
            found.update((field.encode_name, field) for field in branch.fields)
    return found


def below(kind: inspect.Type, step: str | int) -> inspect.Type | None:
    """The type one step down; None where the type does not say."""
    for branch in branches(kind):
        if isinstance(step, int):
            if isinstance(branch, LISTS):
                return branch.item_type
        elif isinstance(branch, inspect.StructType):
            for field in branch.fields:
                if field.encode_name == step:
                    return field.type
        elif isinstance(branch, inspect.DictType):
            return branch.value_type
    return None


def follow(kind: inspect.Type, steps: Steps) -> inspect.Type | None:
    """The type at the end of these steps."""
    found: inspect.Type | None = kind
    for step in steps:
        found = below(found, step) if found is not None else None
    return found


def open_mapping(kind: inspect.Type) -> bool:
    """Whether a mapping of this type may have any names."""
    return any(isinstance(branch, inspect.DictType | inspect.AnyType | inspect.RawType) for branch in branches(kind))


def scalar(kind: inspect.Type) -> Kind | None:
    """How one line of text becomes a value of this type; None where it does not."""
    parts = list(branches(kind))
    numbers = any(isinstance(branch, inspect.IntType | inspect.FloatType) for branch in parts)
    for branch in parts:
        if isinstance(branch, inspect.BoolType) and not numbers:
            return "flag"
        if isinstance(branch, inspect.IntType):
            return "whole"
        if isinstance(branch, inspect.FloatType):
            return "number"
        if isinstance(branch, inspect.StrType | inspect.LiteralType | inspect.EnumType | inspect.CustomType):
            return "text"
        if isinstance(branch, LISTS):
            return "list" if scalar(branch.item_type) == "text" else None
    return None


def leaves(kind: inspect.Type, steps: Steps = ()) -> Iterator[tuple[Steps, inspect.Type]]:
    """Every single value (or list of text) that the structs of a type name, with its steps."""
    for name, field in fields(kind).items():
        place = (*steps, name)
        if fields(field.type):
            yield from leaves(field.type, place)
        if scalar(field.type):
            yield place, field.type


def choices(kind: inspect.Type) -> tuple[str, ...]:
    """The words that a value of this type may be, where it is a choice."""
    return tuple(
        str(value) for branch in branches(kind) if isinstance(branch, inspect.LiteralType) for value in branch.values
    )


def patterns(kind: inspect.Type, steps: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Every path that the type names, and whether it names others below: `[]` for items of lists, `*` for any name."""
    parts = list(_parts(kind))
    yield steps, bool(parts)
    for step, part in parts:
        yield from patterns(part, (*steps, step))


def _parts(kind: inspect.Type) -> Iterator[tuple[str, inspect.Type]]:
    for branch in branches(kind):
        if isinstance(branch, inspect.StructType):
            yield from ((field.encode_name, field.type) for field in branch.fields)
        elif isinstance(branch, LISTS):
            yield "[]", branch.item_type
        elif isinstance(branch, inspect.DictType):
            yield "*", branch.value_type
