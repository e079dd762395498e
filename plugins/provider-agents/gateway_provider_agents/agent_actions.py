"""Actions in an agent's document: which it has, and its tools that are theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway import Agent
from gateway.actions import DELIMITER


def actions_of(agent: Agent) -> list[str]:
    """As `<domain>_action_<id>`."""
    found = agent.extra.get("actions")
    return [one for one in found if isinstance(one, str)] if isinstance(found, list | tuple) else []


def with_action(agent: Agent, action_id: str, domain: str, names: Sequence[str]) -> Mapping[str, Any]:
    """What of the agent changes by it."""
    others = without_action(agent, action_id)
    ending = f"{DELIMITER}{domain}"
    tools = [tool for tool in others["tools"] if not tool.endswith(ending)]
    return {
        "actions": [*others["actions"], f"{domain}{DELIMITER}{action_id}"],
        "tools": [*tools, *(name + ending for name in names)],
    }


def without_action(agent: Agent, action_id: str) -> dict[str, list[str]]:
    """Tools go by the domain, which another action of the agent may have, too."""
    split = [one.rpartition(DELIMITER) for one in actions_of(agent)]
    left = [domain for domain, _, one in split if one != action_id]
    gone = tuple(DELIMITER + domain for domain, _, one in split if one == action_id and domain not in left)
    return {
        "actions": [one for one in actions_of(agent) if not one.endswith(DELIMITER + action_id)],
        "tools": [tool for tool in agent.tools if not (gone and tool.endswith(gone))],
    }


def without_actions(document: Mapping[str, Any]) -> dict[str, Any]:
    """Without all that belong to the agent itself, as a copy of it is."""
    actions = [one for one in document.get("actions") or () if isinstance(one, str)]
    endings = tuple(DELIMITER + one.rpartition(DELIMITER)[0] for one in actions)
    left = {name: value for name, value in document.items() if name != "actions"}
    if endings and "tools" in left:
        left["tools"] = [tool for tool in left["tools"] if not tool.endswith(endings)]
    return left
