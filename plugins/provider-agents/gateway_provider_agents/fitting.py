"""Fitting: what a run asks its model with, once the agent's tools are beside the client's; and what it cannot give."""

from __future__ import annotations

import msgspec

from gateway import Asker, Call, Exchange, Provider, Route, ServerTools, Text, Unsupported

from .calls import Calls
from .toolbox import Toolbox


def offered(call: Call, calls: Calls, instructed: bool) -> Call:
    """With the gateway's tools before the client's; where both have one of a name, the gateway's is the one."""
    system, toolbox = list(call.system), calls.toolbox
    if toolbox.instructions:
        system.insert(1 if instructed else 0, Text(toolbox.instructions))
    tools = toolbox.declared
    names = {tool.name for tool in tools}
    others = [tool for tool in call.tools if tool.server is None or tool.server not in calls.rules.wishes]
    tools += [tool for tool in others if tool.kind == "hosted" or tool.name not in names]
    return msgspec.structs.replace(call, system=system, tools=tools, asks=False, approvals=[])


def wished(call: Call, toolbox: Toolbox) -> list[ServerTools]:
    """What the client says of servers whose tools the agent has."""
    return [tool.server for tool in call.tools if tool.server is not None and toolbox.has(tool.server.label)]


def asker_of(exchange: Exchange, agent: str, call_id: str = "", author: str = "") -> Asker:
    """author: whose the agent is."""
    return Asker(exchange.principal, agent, call_id=call_id, headers=exchange.inbound.headers, author=author)


def refuse_unfit(call: Call) -> None:
    """Raises Unsupported for what a run cannot give."""
    if (call.sampling.choices or 1) > 1:
        raise Unsupported("An agent with tools gives one choice.", code="several_choices", param="n")
    if call.state.previous_response_id or call.state.conversation:
        raise Unsupported(
            "Nothing is kept on this gateway that could be continued; send the conversation itself.",
            code="not_kept",
            param="previous_response_id" if call.state.previous_response_id else "conversation",
        )


def acts(call: Call, route: Route) -> bool:
    """Whether a turn may change something by itself: by tools that its upstream runs, or as an agent that is there."""
    hosted = any(tool.kind == "hosted" for tool in call.tools)
    return hosted or any(target.provider.continues or _runs(target.provider) for target in route.targets)


def _runs(provider: Provider) -> bool:
    return provider.runs and not getattr(provider, "delegates", False)
