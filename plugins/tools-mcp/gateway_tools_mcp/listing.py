"""The tools that a server lists, as agents are offered them; what is no tool is left out, and said."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct, UnsetType

from gateway import ServerTool
from gateway.wire.jsontext import UNREADABLE

from .failures import Lost
from .headers import Path, wanted_headers
from .names import tool_name

MOST_PAGES = 100
MOST_TOOLS = 5000
LONGEST_NAME = 128
LONGEST_DESCRIPTION = 16_384
LARGEST_SCHEMA = 262_144
LONGEST_TTL = 86_400.0


class McpTool(Struct, frozen=True):
    """headers: which of its arguments are repeated as headers, to servers of 2026."""

    offered: ServerTool
    headers: Mapping[Path, str] = {}


class Listing(Struct, frozen=True):
    """by_name: as models see them, in the server's order. seconds: for which it may be kept; None where the server does
    not say. shared: it is the same for everybody. dropped: what is left out and why.
    """

    by_name: Mapping[str, McpTool]
    seconds: float | None = None
    shared: bool = False
    dropped: Sequence[str] = ()


class _Annotations(Struct, frozen=True, rename="camel"):
    read_only_hint: bool = False


class _Tool(Struct, frozen=True, rename="camel"):
    name: str
    description: str | None = None
    input_schema: Raw = Raw(b"null")
    annotations: Raw = Raw(b"null")


class _Page(Struct, frozen=True, rename="camel"):
    tools: list[Raw]
    next_cursor: str | None = None
    ttl_ms: float | UnsetType = msgspec.UNSET
    cache_scope: Literal["public", "private"] | str = "private"


async def listed(ask: Callable[[Mapping[str, object]], Awaitable[Raw]], alias: str, label: str) -> Listing:
    """All pages. ask: for one, by its params. Raises McpError."""
    found: dict[str, McpTool] = {}
    dropped: list[str] = []
    seconds: list[float] = []
    shared, cursor, seen = True, None, set[str]()
    for _ in range(MOST_PAGES):
        page = _page(await ask({"cursor": cursor} if cursor is not None else {}))
        for raw in page.tools:
            _add(raw, alias, label, found, dropped)
        shared = shared and page.cache_scope == "public"
        if page.ttl_ms is not msgspec.UNSET and math.isfinite(page.ttl_ms):
            seconds.append(min(max(page.ttl_ms / 1000, 0.0), LONGEST_TTL))
        cursor = page.next_cursor
        if cursor is None or cursor in seen or len(found) >= MOST_TOOLS:
            break
        seen.add(cursor)
    return Listing(found, min(seconds) if seconds else None, shared and bool(seconds), dropped[:20])


def _page(result: Raw) -> _Page:
    try:
        return msgspec.json.decode(result, type=_Page)
    except UNREADABLE as error:
        raise Lost("the server's list of tools cannot be read") from error


def _add(raw: Raw, alias: str, label: str, found: dict[str, McpTool], dropped: list[str]) -> None:
    try:
        said = msgspec.json.decode(raw, type=_Tool)
    except UNREADABLE:
        dropped.append("a tool without a name")
        return
    try:
        tool = _tool(said, alias, label)
    except ValueError as error:
        dropped.append(f"{said.name[:LONGEST_NAME]!r}: {error}")
        return
    if tool.offered.name in found:
        dropped.append(f"{said.name!r}: there is another of that name")
    elif len(found) < MOST_TOOLS:
        found[tool.offered.name] = tool


def _tool(said: _Tool, alias: str, label: str) -> McpTool:
    """Raises ValueError."""
    if not 0 < len(said.name) <= LONGEST_NAME or not said.name.isprintable():
        raise ValueError(f"its name is not one of 1 to {LONGEST_NAME} characters")
    schema = _schema(said.input_schema)
    offered = ServerTool(
        name=tool_name(said.name, alias),
        description=(said.description or "")[:LONGEST_DESCRIPTION],
        parameters=Raw(msgspec.json.encode(schema)),
        label=label,
        original=said.name,
        read_only=_is_read_only(said.annotations),
    )
    return McpTool(offered, wanted_headers(schema))


def _schema(raw: Raw) -> dict[str, Any]:
    """An object's, for arguments are one. Raises ValueError."""
    if len(bytes(raw)) > LARGEST_SCHEMA:
        raise ValueError(f"its schema is larger than {LARGEST_SCHEMA} bytes")
    try:
        schema = msgspec.json.decode(raw, type=dict[str, Any])
    except UNREADABLE as error:
        raise ValueError("its schema is none") from error
    if schema.setdefault("type", "object") != "object":
        raise ValueError("its schema is not that of an object")
    if not isinstance(schema.setdefault("properties", {}), dict):
        raise ValueError("its schema has no properties that could be read")
    if not all(isinstance(part, dict | bool) for part in schema["properties"].values()):
        raise ValueError("its schema has properties that are no schemas")
    return schema


def _is_read_only(annotations: Raw) -> bool:
    try:
        return msgspec.json.decode(annotations, type=_Annotations).read_only_hint
    except UNREADABLE:
        return False
