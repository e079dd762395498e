"""OpenAPI's subset to JSON Schema."""

from __future__ import annotations

import json

import msgspec
from gateway_dialect_gemini.schemas import json_schema
from msgspec import Raw


def converted(schema: object) -> object:
    return msgspec.json.decode(json_schema(Raw(json.dumps(schema).encode()), "p"))


def test_types_lose_their_capitals_at_every_depth() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {"type": {"type": "ARRAY", "items": {"any_of": [{"type": "STRING"}, {"type": "NUMBER"}]}}},
        "additional_properties": {"type": "BOOLEAN"},
    }
    assert converted(schema) == {
        "type": "object",
        "properties": {"type": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "number"}]}}},
        "additionalProperties": {"type": "boolean"},
    }


def test_what_may_be_null_says_so_as_json_schema_does() -> None:
    assert converted({"type": "STRING", "nullable": True, "format": "enum", "enum": ["a"]}) == {
        "type": ["string", "null"],
        "enum": ["a", None],
    }
    assert converted({"anyOf": [{"type": "STRING"}], "nullable": True}) == {
        "anyOf": [{"type": "string"}, {"type": "null"}]
    }
    assert converted({"type": "STRING", "nullable": False}) == {"type": "string"}


def test_the_order_of_properties_is_their_order() -> None:
    schema = {"properties": {"a": {}, "b": {}, "c": {}}, "propertyOrdering": ["c", "a", 7, "x"]}
    found = converted(schema)
    assert isinstance(found, dict)
    assert list(found["properties"]) == ["c", "a", "b"]
    assert "propertyOrdering" not in found


def test_counts_that_are_strings_are_numbers_and_examples_a_list() -> None:
    assert converted({"minItems": "2", "example": 5, "pattern": "STRING", "default": "NULL"}) == {
        "minItems": 2,
        "examples": [5],
        "pattern": "STRING",
        "default": "NULL",
    }


def test_names_of_properties_are_nobodys_to_change() -> None:
    found = converted({"properties": {"max_items": {"type": "INTEGER"}}, "required": ["max_items"]})
    assert found == {"properties": {"max_items": {"type": "integer"}}, "required": ["max_items"]}
