"""The keys of `gateway.agents[]`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from gateway import Principal, Secret

Given = Annotated[str, Meta(min_length=1)]


class Access(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may use an agent: any caller that one of these names, admins included only where they are named.

    roles, groups: by name. users: by id or name. keys: by id, or by a label that the operator gave. public: everybody
    who has a key.
    """

    roles: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    public: bool = False

    def allows(self, principal: Principal) -> bool:
        return (
            self.public
            or principal.role in self.roles
            or principal.user_id in self.users
            or principal.name in self.users
            or not set(self.keys).isdisjoint(principal.key_names)
            or not set(self.groups).isdisjoint(principal.groups)
        )


class AgentSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A preset that callers name as `model`.

    id: unique; like `agent_support`. name: may be used instead, where no other agent has it. endpoint, model: what
    answers. route: the name of one of `gateway.routes` instead of them.
    instructions: come before the caller's own and are shown to nobody.
    model_parameters: hold where the caller says nothing; LibreChat's names or OpenAI's.
    locked: those of them that hold whatever the caller says.
    access: who may use it; without it, everybody who may use agents.
    tools: what plugins run for it here, as they name it. recursion_limit: steps that a run with tools may take.
    output: what clients see of such a run: all of it, its texts, or the final text alone.
    memory: `server`: clients of chat completions that send their last message only are remembered here.
    """

    id: Given
    endpoint: Given = ""
    model: Given = ""
    route: Given = ""
    name: str = ""
    description: str = ""
    instructions: Secret = Secret("")
    model_parameters: dict[str, Any] = field(default_factory=dict)
    locked: tuple[str, ...] = ()
    access: Access | None = None
    tools: tuple[Any, ...] = ()
    recursion_limit: Annotated[int, Meta(ge=1)] | None = None
    output: Literal["all", "text", "final"] = "all"
    memory: Literal["client", "server"] = "client"

    def allows(self, principal: Principal) -> bool:
        return self.access is None or self.access.allows(principal)
