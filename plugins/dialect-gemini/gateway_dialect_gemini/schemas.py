"""Gemini's `Schema`, a subset of OpenAPI's with types in capitals, to JSON Schema.

Source: Gemini API, "Schema". `propertyOrdering` is said by the order of the properties itself.
"""

from __future__ import annotations

from msgspec import Raw

from gateway import BadCall
from gateway.wire import jsontext
from gateway.wire.members import Kind

from .fields import camel

_OBJECT = Kind(dict[str, object], "an object")
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "defs", "$defs")
_NAMES = {"defs": "$defs", "ref": "$ref", "example": "examples"}


def json_schema(value: Raw, path: str) -> Raw:
    """Raises BadCall where it is no object, or too deep."""
    try:
        return jsontext.raw(_schema(_OBJECT.read(value, path)))
    except RecursionError as error:
        raise BadCall(f"`{path}` is nested too deeply.", param=path) from error


def _schema(schema: dict[str, object]) -> dict[str, object]:
    members = {camel(name): value for name, value in schema.items()}
    nullable, order = members.pop("nullable", None), members.pop("propertyOrdering", None)
    out = {_NAMES.get(name, name): _member(name, value) for name, value in members.items()}
    if out.get("format") == "enum":
        del out["format"]
    if isinstance(order, list) and isinstance(properties := out.get("properties"), dict):
        first = {name: properties[name] for name in order if isinstance(name, str) and name in properties}
        out["properties"] = {**first, **properties}
    return _nullable(out) if nullable is True else out


def _member(name: str, value: object) -> object:
    if name == "type":
        return _type(value)
    if name == "example":
        return [value]
    if name in _MAPS and isinstance(value, dict):
        return {key: _inner(inner) for key, inner in value.items()}
    if name in _LISTS and isinstance(value, list):
        return [_inner(inner) for inner in value]
    if name in ("items", "additionalProperties"):
        return _inner(value)
    if name in _COUNTS and isinstance(value, str) and value.isdecimal() and len(value) < 19:
        return int(value)
    return value


def _inner(value: object) -> object:
    return _schema(value) if isinstance(value, dict) else value


def _type(value: object) -> object:
    if isinstance(value, list):
        return [_type(one) for one in value]
    return value.lower() if isinstance(value, str) else value


def _nullable(schema: dict[str, object]) -> dict[str, object]:
    kind = schema.get("type")
    if isinstance(kind, str):
        schema["type"] = [kind, "null"]
    elif isinstance(choices := schema.get("anyOf"), list):
        schema["anyOf"] = [*choices, {"type": "null"}]
    if isinstance(words := schema.get("enum"), list) and None not in words:
        schema["enum"] = [*words, None]
    return schema
