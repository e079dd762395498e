"""Parameters that a tool wants repeated as headers: `x-mcp-header` in its schema (2026-07-28).

Source: https://modelcontextprotocol.io/specification/2026-07-28/basic/transports, "Custom headers"
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

KEY = "x-mcp-header"
PREFIX = "mcp-param-"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SAFE = re.compile(r"[\x20-\x7e]*")
_SENTINEL = re.compile(r"=\?base64\?.*\?=")
_TYPES = frozenset(("string", "integer", "boolean"))
_DEEPEST = 64
Path = tuple[str, ...]
_MAPS = frozenset(("patternProperties", "dependentSchemas", "$defs", "definitions"))
_LISTS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_SINGLE = frozenset(
    (
        "items",
        "contains",
        "unevaluatedItems",
        "additionalProperties",
        "propertyNames",
        "unevaluatedProperties",
        "not",
        "if",
        "then",
        "else",
        "contentSchema",
    )
)


def encoded(text: str) -> str:
    """As a header can hold it: what is not plain ASCII goes in base64, marked as such."""
    if _SAFE.fullmatch(text) and text == text.strip() and not _SENTINEL.fullmatch(text):
        return text
    return f"=?base64?{b64encode(text.encode('utf-8', 'replace')).decode()}?="


def wanted_headers(schema: Mapping[str, Any]) -> Mapping[Path, str]:
    """Names of headers by where their values stand in the arguments. Raises ValueError with what is wrong with them:
    such a tool is not to be offered.
    """
    found: dict[Path, str] = {}
    for path, node in _schemas(schema):
        if KEY in node:
            header = _checked(path, node)
            if header in found.values():
                raise ValueError(f"two of its parameters want the same header in `{KEY}`")
            assert path is not None
            found[path] = header
    return found


def parameter_headers(wanted: Mapping[Path, str], arguments: Mapping[str, Any]) -> Mapping[str, str]:
    return {
        header: encoded(text) for path, header in wanted.items() if (text := _spoken(_at(arguments, path))) is not None
    }


def _checked(path: Path | None, node: Mapping[str, Any]) -> str:
    header = node[KEY]
    if not path:
        raise ValueError(f"`{KEY}` stands where no single parameter is meant")
    if not isinstance(header, str) or not _TOKEN.fullmatch(header):
        raise ValueError(f"`{KEY}` is no name of a header")
    kind = node.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise ValueError(f"`{KEY}` is for text, whole numbers and booleans alone")
    return PREFIX + header.lower()


def _schemas(root: Any) -> Iterator[tuple[Path | None, Mapping[str, Any]]]:
    """All schemas in one. The path is None where more than properties lead there."""
    waiting: list[tuple[Path | None, int, Any]] = [((), 0, root)]
    while waiting:
        path, depth, node = waiting.pop()
        if not isinstance(node, dict) or depth > _DEEPEST:
            continue
        yield path, node
        waiting += [(below, depth + 1, part) for below, part in _below(path, node)]


def _below(path: Path | None, node: Mapping[str, Any]) -> Iterator[tuple[Path | None, Any]]:
    for key, value in node.items():
        if key == "properties" and isinstance(value, dict):
            yield from ((None if path is None else (*path, name), part) for name, part in value.items())
        elif key in _SINGLE:
            yield None, value
        elif key in _LISTS and isinstance(value, list):
            yield from ((None, part) for part in value)
        elif key in _MAPS and isinstance(value, dict):
            yield from ((None, part) for part in value.values())


def _at(arguments: Any, path: Path) -> Any:
    for step in path:
        if not isinstance(arguments, Mapping):
            return None
        arguments = arguments.get(step)
    return arguments


def _spoken(value: Any) -> str | None:
    """None where there is nothing to be repeated."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
