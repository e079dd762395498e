"""The keys of `gateway.provider-agents`, and LibreChat's `endpoints.agents`: what bounds a run with tools."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]


class RunSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run of an agent with tools may take; a limit that is not given does not hold.

    steps: a model's turn is one, a round of tools another; `recursionLimit` of librechat.yaml where it is not given,
    else 25. tokens: read and written, of all turns. usd: what they cost, where calls are priced. calls: of tools.
    seconds: for the whole run. tool_timeout: seconds for one call of a tool. keep_alive: seconds of silence after which
    a stream is kept open. kept: seconds for which a turn waits for a client that has calls of its own to answer, or is
    asked about calls.
    lease: seconds after which a run whose process is gone counts as failed, where no other takes it up.
    """

    steps: Count | None = None
    tokens: Count | None = None
    usd: Positive | None = None
    calls: Count | None = None
    seconds: Positive | None = None
    tool_timeout: Positive = 60.0
    keep_alive: Positive = 10.0
    kept: Positive = 86_400.0
    lease: Positive = 30.0


class ToolApproval(Struct, frozen=True):
    """LibreChat's rules, in its order: deny, mode `bypass`, allow, ask, mode `dontAsk`, and what is left is asked for.

    Patterns are names of tools, `*` for anything. Where the client cannot be asked, such a call is not made.
    """

    enabled: bool = False
    mode: Literal["default", "dontAsk", "bypass"] = "default"
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    reason: str = ""


class LibreChatAgents(Struct, frozen=True, rename="camel"):
    """recursionLimit: of agents that say nothing. maxRecursionLimit: of all. toolApproval: which calls are made."""

    recursion_limit: Count | None = None
    max_recursion_limit: Count | None = None
    tool_approval: ToolApproval = ToolApproval()
