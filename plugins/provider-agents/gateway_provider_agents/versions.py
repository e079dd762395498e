"""Agents as they change: each change is a version, and the newest ones are kept.

Source: LibreChat `packages/data-schemas/src/methods/agent.ts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway import Agent

from .fields import checked, sized
from .shapes import content, date_told

MOST, LARGEST = 50, 2**20
"""Versions that are kept of an agent, and their bytes as JSON; the newest is kept however large it is."""
CATEGORY = "general"
_TEXTS = ("name", "description", "instructions", "provider", "model")
_MCP = "_mcp_"


def new(agent_id: str, members: Mapping[str, Any], author: str, by: str, now: float) -> Agent:
    """members: as `fields.members` gives them."""
    agent = _with(Agent(agent_id, author=author, created=now, updated=now), normal(members, ()))
    return _versioned(agent, by)


def patched(agent: Agent, members: Mapping[str, Any], by: str, now: float) -> Agent | None:
    """With these members in place of its own; None where nothing is changed by them."""
    return replaced(agent, {**content(agent), **members}, by, now)


def replaced(agent: Agent, members: Mapping[str, Any], by: str, now: float, author: str | None = None) -> Agent | None:
    """With these members and no others, and of this author where one is named; None where it is all the same. Raises
    Wrong where that is more than fits.
    """
    becomes = _with(agent, normal(members, agent.extra.get("mcpServerNames")))
    if author is not None:
        becomes = msgspec.structs.replace(becomes, author=author)
    if same(agent, becomes):
        return None
    sized(content(becomes))
    kept = agent if is_newest(agent) else _versioned(agent, "")
    becomes = msgspec.structs.replace(becomes, updated=now, versions=kept.versions, version=count(kept))
    return _versioned(becomes, by)


def reverted(agent: Agent, index: int, by: str, now: float) -> Agent | None:
    """As it was in this one of the versions that are kept, a change like any other. Raises IndexError, Wrong."""
    if not 0 <= index < len(agent.versions):
        raise IndexError(index)
    was = content_of(agent.versions[index])
    checked(was)
    return replaced(agent, was, by, now)


def content_of(version: Mapping[str, Any]) -> dict[str, Any]:
    """What an agent said then."""
    return {name: value for name, value in version.items() if name not in _OF_A_VERSION and value is not None}


def without(agent: Agent, gone: str) -> Agent | None:
    """Without edges to and from an agent that is no more, which is no version; None where it has none."""
    left = dict(agent.extra)
    if isinstance(edges := left.get("edges"), list):
        left["edges"] = [one for edge in edges if (one := _without(edge, gone)) is not None]
    if isinstance(chain := left.get("agent_ids"), list):
        left["agent_ids"] = [one for one in chain if one != gone]
    return None if left == agent.extra else msgspec.structs.replace(agent, extra=left)


def same(one: Agent, other: Agent) -> bool:
    """What is empty is as if it were not there."""
    return one.author == other.author and _written(one) == _written(other)


def _written(agent: Agent) -> bytes:
    """As JSON, since in Python 1 is true."""
    return msgspec.json.encode(said(content(agent)), order="sorted")


def is_newest(agent: Agent) -> bool:
    """Whether it is what its newest version says; it is not where none was made of how it is."""
    return bool(agent.versions) and said(content_of(agent.versions[-1])) == said(content(agent))


def count(agent: Agent) -> int:
    """How many versions there have been. What LibreChat exported does not say it."""
    return max(agent.version, len(agent.versions))


def servers_of(tools: Iterable[str], known: Iterable[str]) -> list[str]:
    """Names of the MCP servers that tools are of; a name that is known may hold the word between them itself."""
    longest = sorted(known, key=len, reverse=True)
    found: dict[str, None] = {}
    for tool in tools:
        if _MCP in tool:
            fitting = (name for name in longest if tool.endswith(f"{_MCP}{name}"))
            found[next(fitting, tool.rpartition(_MCP)[2])] = None
    return list(found)


_OF_A_VERSION = frozenset(
    ["_id", "id", "author", "versions", "version", "createdAt", "updatedAt", "updatedBy", "actionsHash", "__v"]
)


def normal(members: Mapping[str, Any], servers: object) -> dict[str, Any]:
    """With what is found out of them, and what LibreChat fills in. servers: names that are known of MCP servers."""
    known = servers if isinstance(servers, list) else ()
    found = {name: value for name, value in members.items() if name != "mcpServerNames" and value is not None}
    if names := servers_of(found.get("tools") or (), known):
        found["mcpServerNames"] = names
    if not found.get("category"):
        found["category"] = CATEGORY
    return found


def _with(agent: Agent, members: Mapping[str, Any]) -> Agent:
    known = {name: str(members.get(name) or "") for name in _TEXTS}
    tools = tuple(members.get("tools") or ())
    parameters = dict(members.get("model_parameters") or {})
    extra = {name: value for name, value in members.items() if name not in (*_TEXTS, "tools", "model_parameters")}
    return msgspec.structs.replace(agent, **known, tools=tools, model_parameters=parameters, extra=extra)


def _versioned(agent: Agent, by: str) -> Agent:
    """With what it is as its newest version; the oldest go where there are too many."""
    made = {**content(agent), "createdAt": date_told(agent.created), "updatedAt": date_told(agent.updated)}
    if by:
        made["updatedBy"] = by
    return msgspec.structs.replace(agent, versions=_newest((*agent.versions, made)), version=count(agent) + 1)


def _newest(versions: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """As many of them as are kept."""
    left, kept = LARGEST, 0
    for version in reversed(versions[-MOST:]):
        left -= len(msgspec.json.encode(version))
        if left < 0 and kept:
            break
        kept += 1
    return tuple(versions[-kept:])


def said(members: Mapping[str, Any]) -> dict[str, Any]:
    """Without members that are empty; a number is not, whichever it is."""
    return {
        name: value
        for name, value in members.items()
        if value or (isinstance(value, int | float) and not isinstance(value, bool))
    }


def _without(edge: Any, gone: str) -> Any:
    """None of an edge that has an end no more."""
    if not isinstance(edge, dict):
        return edge
    ends = {}
    for name in ("from", "to"):
        end = edge.get(name)
        ends[name] = [one for one in end if one != gone] if isinstance(end, list) else end
        if ends[name] in (gone, []):
            return None
    return {**edge, **ends}
