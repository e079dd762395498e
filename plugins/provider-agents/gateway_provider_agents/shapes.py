"""An agent as LibreChat tells it: whole, to who may look at it, and in a list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway import Agent

Document = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_IN_LISTS = ("avatar", "conversation_starters", "category", "support_contact", "is_promoted")
_FOR_EDITORS_IN_LISTS = ("skills", "skills_enabled")


def date_told(at: float) -> str:
    """Epoch seconds as JavaScript writes them."""
    moment = _EPOCH + timedelta(milliseconds=round(at * 1000))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def content(agent: Agent) -> Document:
    """What it says, without what it is: its id, its author, its times and its versions."""
    found = {name: value for name, value in agent.extra.items() if name not in ("_id", "__v")}
    for name in ("name", "description", "instructions", "provider", "model"):
        if value := getattr(agent, name):
            found[name] = value
    if agent.model_parameters:
        found["model_parameters"] = dict(agent.model_parameters)
    if agent.tools:
        found["tools"] = list(agent.tools)
    return found


def whole(agent: Agent, version: int) -> Document:
    """To who may edit it. `_id`: LibreChat's clients ask by it who may use the agent, and here that is its id."""
    texts = dict.fromkeys(("name", "description", "instructions", "provider", "model"), "")
    empty: Document = {**texts, "model_parameters": {}, "tools": []}
    return {**empty, **content(agent), **_identity(agent), "author": agent.author, "version": version}


def viewed(agent: Agent, version: int) -> Document:
    """To who may look at it: not its instructions, nor what else an editor sees."""
    found: Document = {
        **_identity(agent),
        "name": agent.name,
        "description": agent.description,
        "provider": agent.provider,
        "model": agent.model,
        "model_parameters": _safe(agent.model_parameters),
        "version": version,
    }
    return found | _chosen(agent, ("avatar", "conversation_starters", "support_contact"))


def listed(agent: Agent, *, editable: bool, public: bool) -> Document:
    found = {**_identity(agent), "name": agent.name, "description": agent.description, "isEditable": editable}
    del found["createdAt"]
    found |= _chosen(agent, (*_IN_LISTS, *(_FOR_EDITORS_IN_LISTS if editable else ())))
    return found | ({"isPublic": True} if public else {})


def _identity(agent: Agent) -> Document:
    return {
        "_id": agent.id,
        "id": agent.id,
        "createdAt": date_told(agent.created),
        "updatedAt": date_told(agent.updated),
    }


def _chosen(agent: Agent, names: tuple[str, ...]) -> Document:
    return {name: agent.extra[name] for name in names if name in agent.extra}


def _safe(parameters: Mapping[str, Any]) -> Document:
    responses = parameters.get("useResponsesApi")
    return {"useResponsesApi": responses} if isinstance(responses, bool) else {}
