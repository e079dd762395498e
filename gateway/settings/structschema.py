"""A Struct as JSON Schema: docstrings become descriptions, and everything stands where it is used, without references.

msgspec's own generator cannot write defaults that are secrets, and editors show no description beside a reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from inspect import cleandoc
from typing import Any

import msgspec
from msgspec import inspect

from ..secret import Secret
from .shape import LISTS, shape

Schema = dict[str, Any]
_CLAUSE = re.compile(r"(?:^|(?<=[.;] ))(?P<names>\w+(?:, \w+)*): ", re.MULTILINE)
_LIMITS = (("ge", "minimum"), ("gt", "exclusiveMinimum"), ("le", "maximum"), ("lt", "exclusiveMaximum"))
_PLAIN: dict[type[inspect.Type], str] = {
    inspect.NoneType: "null",
    inspect.BoolType: "boolean",
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.StrType: "string",
}


def struct_schema(model: type[msgspec.Struct]) -> Schema:
    return _schema(shape(model))


def clauses(docstring: str) -> dict[str, str]:
    """`host, port: where clients connect.` as what is said of host and of port."""
    text = cleandoc(docstring)
    found: dict[str, str] = {}
    matches = list(_CLAUSE.finditer(text))
    for match, end in zip(matches, [*(other.start() for other in matches[1:]), len(text)], strict=False):
        said = " ".join(text[match.end() : end].split("\n\n")[0].split())
        for name in match["names"].split(", "):
            found[name] = said[:1].upper() + said[1:]
    return found


def _schema(kind: inspect.Type) -> Schema:
    if isinstance(kind, inspect.Metadata):
        return {**_schema(kind.type), **(kind.extra_json_schema or {})}
    if type(kind) in _PLAIN:
        return {"type": _PLAIN[type(kind)], **_limits(kind)}
    for types, write in _WRITERS:
        if isinstance(kind, types):
            return write(kind)
    return {}


def _limits(kind: Any) -> Schema:
    found = {name: getattr(kind, limit) for limit, name in _LIMITS if getattr(kind, limit, None) is not None}
    for ours, name in (("min_length", "minLength"), ("max_length", "maxLength"), ("pattern", "pattern")):
        if getattr(kind, ours, None) is not None:
            found[name] = getattr(kind, ours)
    return found


def _union(kind: inspect.UnionType) -> Schema:
    """Alternatives; where each is only a type, one list of types, which editors tell better."""
    parts = [_schema(part) for part in kind.types]
    if all(set(part) == {"type"} for part in parts):
        return {"type": [part["type"] for part in parts]}
    return {"anyOf": parts}


def _literal(kind: inspect.LiteralType) -> Schema:
    return {"enum": list(kind.values)}


def _enum(kind: inspect.EnumType) -> Schema:
    return {"enum": [member.value for member in kind.cls]}


def _list(kind: Any) -> Schema:
    return {"type": "array", "items": _schema(kind.item_type)}


def _dict(kind: inspect.DictType) -> Schema:
    values = _schema(kind.value_type)
    return {"type": "object", **({"additionalProperties": values} if values else {})}


def _custom(kind: inspect.CustomType) -> Schema:
    if kind.cls is Secret:
        return {"type": "string"}
    raise TypeError(f"{kind.cls.__name__} has no JSON Schema; use types that msgspec knows, or Secret")


def _struct(kind: inspect.StructType) -> Schema:
    docstring = kind.cls.__doc__ or ""
    said = clauses(docstring)
    found: Schema = {"type": "object", "properties": {f.encode_name: _field(f, said) for f in kind.fields}}
    if docstring and not docstring.startswith(f"{kind.cls.__name__}("):
        found["description"] = " ".join(cleandoc(docstring).split())
    required = [field.encode_name for field in kind.fields if field.required]
    if required:
        found["required"] = required
    if kind.forbid_unknown_fields:
        found["additionalProperties"] = False
    return found


def _field(field: inspect.Field, said: dict[str, str]) -> Schema:
    found = _schema(field.type)
    words = said.get(field.name) or said.get(field.encode_name)
    if words:
        found["description"] = words
    if isinstance(field.default, str | int | float):
        found["default"] = field.default
    return found


_WRITERS: Sequence[tuple[Any, Callable[[Any], Schema]]] = (
    (inspect.UnionType, _union),
    (inspect.LiteralType, _literal),
    (inspect.EnumType, _enum),
    (LISTS, _list),
    (inspect.DictType, _dict),
    (inspect.CustomType, _custom),
    (inspect.StructType, _struct),
)
