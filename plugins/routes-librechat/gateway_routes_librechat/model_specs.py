"""`modelSpecs`: LibreChat's menu of models, told to its client without what is the operator's own.

Source: LibreChat `packages/data-provider/src/models.ts`, `packages/data-schemas/src/app/specs.ts` and
`packages/api/src/modelSpecs/index.ts`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from .answers import Members
from .section import BUILT_IN

_PRIVATE = ("promptPrefix", "instructions", "additional_instructions", "system", "context", "examples")


class Subagents(Struct, frozen=True, kw_only=True):
    """Whether an entry's model may call agents."""

    enabled: bool | UnsetType = UNSET
    allow_self: bool | UnsetType = field(name="allowSelf", default=UNSET)
    agent_ids: tuple[str, ...] | UnsetType = UNSET


class ModelSpec(Struct, frozen=True, kw_only=True, rename="camel"):
    """An entry of the menu. preset: LibreChat's settings of a conversation."""

    name: str
    label: str
    preset: dict[str, Any]
    order: float | UnsetType = UNSET
    default: bool | UnsetType = UNSET
    soft_default: bool | UnsetType = UNSET
    description: str | UnsetType = UNSET
    group: str | UnsetType = UNSET
    group_icon: str | UnsetType = UNSET
    show_icon_in_menu: bool | UnsetType = UNSET
    show_icon_in_header: bool | UnsetType = UNSET
    show_on_landing: bool | UnsetType = UNSET
    conversation_starters: tuple[str, ...] | UnsetType = field(name="conversation_starters", default=UNSET)
    show_in_menu: bool | UnsetType = UNSET
    icon_url: str | UnsetType = field(name="iconURL", default=UNSET)
    auth_type: str | UnsetType = UNSET
    hide_badge_row: bool | UnsetType = UNSET
    web_search: bool | UnsetType = UNSET
    file_search: bool | UnsetType = UNSET
    execute_code: bool | UnsetType = UNSET
    memory: bool | UnsetType = UNSET
    ask_user_question: bool | UnsetType = UNSET
    run_in_background: bool | tuple[str, ...] | UnsetType = UNSET
    describe_intent: bool | tuple[str, ...] | UnsetType = UNSET
    artifacts: str | bool | UnsetType = UNSET
    mcp_servers: tuple[str, ...] | UnsetType = UNSET
    skills: bool | tuple[str, ...] | UnsetType = UNSET
    subagents: Subagents | UnsetType = UNSET


class ModelSpecs(Struct, frozen=True, kw_only=True, rename="camel"):
    """LibreChat's menu of models, told to its client by /api/config. Callers of the gateway are not held to it."""

    enforce: bool = False
    prioritize: bool = True
    entries: tuple[ModelSpec, ...] = field(name="list", default=())
    added_endpoints: tuple[str, ...] | UnsetType = UNSET


def specs_shown(specs: ModelSpecs, endpoints: Collection[str]) -> Members | None:
    """None where the file lists none. endpoints: those that are configured, whether they can be called or not."""
    if not specs.entries:
        return None
    shown = [_shown(spec, endpoint) for spec in specs.entries if (endpoint := _endpoint(spec, endpoints))]
    members: Members = msgspec.to_builtins(specs)
    return {**members, "list": [one for one in shown if one.get("showInMenu") is not False]}


def _endpoint(spec: ModelSpec, endpoints: Collection[str]) -> str | None:
    """An entry's endpoint, None where LibreChat passes the entry over: built-in ones need not be configured, others do.

    An agent alone means the endpoint `agents`.
    """
    name = spec.preset.get("endpoint") or ("agents" if spec.preset.get("agent_id") else None)
    if not isinstance(name, str):
        return None
    name = name.lower() if name.lower() == "ollama" else name
    return name if name in BUILT_IN or name in endpoints else None


def _shown(spec: ModelSpec, endpoint: str) -> Members:
    members: Members = msgspec.to_builtins(spec)
    preset = {name: value for name, value in spec.preset.items() if name not in _PRIVATE}
    members["preset"] = {**preset, "endpoint": endpoint}
    members.pop("skills", None)
    if isinstance(spec.subagents, Subagents):
        members["subagents"] = msgspec.to_builtins(msgspec.structs.replace(spec.subagents, agent_ids=UNSET))
        if not members["subagents"]:
            del members["subagents"]
    return members
