"""What LibreChat's agent documents hold, and what is wrong with one.

Source: LibreChat `packages/api/src/agents/validation.ts`, `packages/data-schemas/src/schema/agent.ts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

import msgspec
from msgspec import Struct, field

from gateway import BadCall

LARGEST = 256 * 2**10
"""Bytes of a document as JSON, its versions aside: all agents are kept in memory."""
OURS = frozenset(
    [
        "_id",
        "__v",
        "actionsHash",
        "author",
        "authorName",
        "created",
        "createdAt",
        "id",
        "isCollaborative",
        "isEditable",
        "isPublic",
        "mcpServerNames",
        "owner_contact",
        "projectIds",
        "removeProjectIds",
        "tenantId",
        "updated",
        "updatedAt",
        "updatedBy",
        "version",
        "versions",
    ]
)
"""What nobody writes: it is told, or found out, or LibreChat's own."""
FOR_ADMINS = frozenset(["access_level", "is_promoted"])
WITHOUT_EFFECT = frozenset(
    [
        "artifacts",
        "memory_scope",
        "skills",
        "skills_enabled",
        "stateful_code_environment",
        "stateful_code_sessions",
        "tool_kwargs",
        "tool_options",
        "tool_resources",
    ]
)
"""What changes replies in LibreChat and not yet here."""
_PLACE = re.compile(r" - at `\$\.?(.*)`$")
Ids = str | tuple[str, ...]


class Detail(TypedDict):
    """As LibreChat tells it."""

    code: str
    path: list[str | int]
    message: str


class Edge(Struct, frozen=True, rename="camel"):
    """A handoff to another agent, or a step of a chain."""

    to: Ids
    from_: Ids = field(name="from")
    description: str | None = None
    edge_type: Literal["handoff", "direct"] | None = None
    prompt: str | None = None
    prompt_key: str | None = None
    exclude_results: bool | None = None


class Avatar(Struct, frozen=True):
    """A picture, and where it is kept."""

    filepath: str
    source: str


class Contact(Struct, frozen=True):
    """Whom users may ask."""

    name: str | None = None
    email: str | None = None


class Files(Struct, frozen=True):
    """Of one kind of tool."""

    file_ids: tuple[str, ...] | None = None
    vector_store_ids: tuple[str, ...] | None = None


class Subagents(Struct, frozen=True):
    """Agents that this one may ask."""

    enabled: bool | None = None
    agent_ids: tuple[str, ...] | None = None


class Fields(Struct, frozen=True, kw_only=True):
    """The members that are known; null is as if they were not there."""

    name: str | None = None
    description: str | None = None
    instructions: str | None = None
    provider: str | None = None
    model: str | None = None
    model_parameters: dict[str, Any] | None = None
    tools: tuple[str, ...] | None = None
    avatar: Avatar | None = None
    artifacts: str | None = None
    recursion_limit: float | None = None
    category: str | None = None
    conversation_starters: tuple[str, ...] | None = None
    support_contact: Contact | None = None
    is_promoted: bool | None = None
    skills: tuple[str, ...] | None = None
    skills_enabled: bool | None = None
    actions: tuple[str, ...] | None = None
    tool_kwargs: tuple[dict[str, Any], ...] | None = None
    tool_options: dict[str, Any] | None = None
    tool_resources: dict[str, Files | None] | None = None
    agent_ids: tuple[str, ...] | None = None
    edges: tuple[Edge, ...] | None = None
    subagents: Subagents | None = None
    hide_sequential_outputs: bool | None = None
    end_after_tools: bool | None = None
    memory_scope: str | None = None
    stateful_code_sessions: bool | None = None
    stateful_code_environment: str | None = None


class Wrong(BadCall):
    """A document that is none. details: as LibreChat tells them."""

    def __init__(self, message: str, path: Sequence[str | int] = (), code: str = "custom") -> None:
        place = _written(path)
        super().__init__(f"The agent is wrong{f' at `{place}`' if place else ''}: {message}", param=place or None)
        self.details: list[Detail] = [{"code": code, "path": list(path), "message": message}]


def members(document: Mapping[str, Any], *, admin: bool = False) -> dict[str, Any]:
    """What is to be kept of it, known or not: without what nobody writes, and without nulls. Raises Wrong."""
    checked(document)
    refused = OURS if admin else OURS | FOR_ADMINS
    return {name: value for name, value in document.items() if name not in refused and value is not None}


def checked(document: Mapping[str, Any]) -> Fields:
    """Raises Wrong for a member of another kind, for more than fits, and for what is no text."""
    try:
        found = msgspec.convert(document, Fields)
    except msgspec.ValidationError as error:
        raise _wrong(error) from error
    sized(document)
    return found


def sized(document: Mapping[str, Any]) -> None:
    """Raises Wrong for more than fits, and for what is no text."""
    try:
        size = len(msgspec.json.encode(document))
    except UnicodeEncodeError as error:
        raise Wrong("It holds characters that are no text (halves of surrogate pairs).") from error
    if size > LARGEST:
        raise Wrong(f"It has {size} bytes; {LARGEST} are the most.")


def of_no_effect(extra: Mapping[str, Any]) -> list[str]:
    """What of a document's other members changes nothing here."""
    said = [name for name, value in extra.items() if value not in (None, "", [], {}) and value is not False]
    known = OURS | FOR_ADMINS | frozenset(Fields.__struct_fields__)
    notes = [f"{name}: it has no effect yet" for name in said if name in WITHOUT_EFFECT]
    return [*notes, *(f"{name}: the gateway keeps it and does not know it" for name in said if name not in known)]


def required(document: Mapping[str, Any]) -> None:
    """What an agent cannot be made without. Raises Wrong."""
    if not isinstance(document.get("provider"), str):
        raise Wrong("Required", ["provider"], "invalid_type")
    if "model" not in document:
        raise Wrong("Required", ["model"], "invalid_type")


def named_agents(document: Mapping[str, Any]) -> set[str]:
    """Ids of the agents that it hands over to, or asks. "" stands for itself."""
    found: set[str] = set()
    for edge in document.get("edges") or ():
        for end in (edge["from"], edge["to"]):
            found |= {end} if isinstance(end, str) else set(end)
    asked = document.get("subagents") or {}
    if asked.get("enabled"):
        found |= set(asked.get("agent_ids") or ())
    return found


def with_own_id(document: Mapping[str, Any], agent_id: str, instead_of: str = "") -> dict[str, Any]:
    """Edges that begin or end at `instead_of` do so at this agent."""
    edges = document.get("edges")
    if not edges:
        return dict(document)
    return {**document, "edges": [_moved(edge, instead_of, agent_id) for edge in edges]}


def _moved(edge: Mapping[str, Any], before: str, after: str) -> dict[str, Any]:
    def end(value: Any) -> Any:
        if isinstance(value, str):
            return after if value == before else value
        return [after if one == before else one for one in value]

    return {**edge, "from": end(edge["from"]), "to": end(edge["to"])}


def _wrong(error: msgspec.ValidationError) -> Wrong:
    text = str(error)
    found = _PLACE.search(text)
    path: list[str | int] = []
    for word in re.findall(r"[^.\[\]]+", found[1]) if found else ():
        path.append(int(word) if word.isdigit() else word)
    return Wrong(text[: found.start()] if found else text, path, "invalid_type")


def _written(path: Sequence[str | int]) -> str:
    words = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(words).removeprefix(".")
