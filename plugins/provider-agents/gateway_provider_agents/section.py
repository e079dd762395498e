"""The keys of `gateway.agents[]`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from gateway import Principal, Secret

Given = Annotated[str, Meta(min_length=1)]
Ids = Given | Annotated[tuple[Given, ...], Meta(min_length=1)]


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


class EdgeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Agents behind others, as in LibreChat's documents.

    to: ids of those that go on. from: of those before them; without it, the agent that has the edge.
    edgeType: `handoff`: the model goes on with them by a tool; `direct`: they always do, side by side where they are
    several, and after all of `from`. Without it: direct where one leads to several, else handoff.
    description: of that tool. prompt: of a handoff, what the tool's parameter is for, which without it has none; of a
    direct edge, what they are asked, where `{results}` stands for what was said. promptKey: the parameter's name.
    excludeResults: of a direct edge with a prompt: they are told nothing else of this run; what it is without it is
    whether the prompt has `{results}`.
    """

    to: Ids
    from_: Ids | None = field(name="from", default=None)
    edge_type: Literal["handoff", "direct"] | None = None
    description: str = ""
    prompt: str = ""
    prompt_key: Given = "instructions"
    exclude_results: bool | None = None


class SubagentSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Agents that it may give tasks to, by a tool. agent_ids: those; allowSelf: another run of its own is one, too."""

    enabled: bool = False
    allow_self: bool = field(name="allowSelf", default=True)
    agent_ids: tuple[Given, ...] = ()


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
    edges: agents that go on from it, or from those behind it. agent_ids: agents that go on one after the other.
    hide_sequential_outputs: of several agents clients see what the last one says, and tools.
    end_after_tools: its part ends with the tools that it calls, without a word about them.
    subagents: agents that it may give tasks to.
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
    edges: tuple[EdgeSettings, ...] = ()
    agent_ids: tuple[Given, ...] = ()
    hide_sequential_outputs: bool = False
    end_after_tools: bool = False
    subagents: SubagentSettings = SubagentSettings()

    @property
    def author(self) -> str:
        """Whose it is, a user's id; "" of the operator's."""
        return ""

    @property
    def asks(self) -> tuple[str, ...]:
        """Ids of agents that it may give tasks to."""
        if not self.subagents.enabled:
            return ()
        own = (self.id,) if self.subagents.allow_self else ()
        return tuple(dict.fromkeys((*own, *self.subagents.agent_ids)))

    def allows(self, principal: Principal) -> bool:
        return self.access is None or self.access.allows(principal)


class KeptSettings(AgentSettings, frozen=True, kw_only=True):
    """The same of an agent of the store. by: whose it is."""

    by: str = ""

    @property
    def author(self) -> str:
        return self.by
