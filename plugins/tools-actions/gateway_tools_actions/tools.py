"""ActionTools: actions of the settings, and those that are stored with the agent that asks.

What reads documents is imported once there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from gateway import (
    Asker,
    Ending,
    Finding,
    Offer,
    ServerTool,
    Services,
    Settings,
    StoredAction,
    ToolOutcome,
    ToolSource,
    ToolTraffic,
)
from gateway.actions import ActionTaken

from .index import Index
from .names import is_action
from .section import PATH, ActionFields

if TYPE_CHECKING:
    from .doors import Door
    from .source import Actions


class ActionTools(ToolSource):
    name = "tools-actions"

    def __init__(self, settings: Settings, services: Services) -> None:
        self._settings, self._services = settings, services
        self._index = Index.of(services)
        self._traffic = ToolTraffic.of(services.state)
        self._configured: Actions | None = None
        self._stored: dict[str, tuple[Sequence[bytes], Actions]] = {}
        if settings.many(ActionFields):
            from .source import Actions

            self._configured = Actions.of(settings, services)

    def findings(self) -> Sequence[Finding]:
        return self._configured.findings() if self._configured is not None else ()

    def owns(self, wanted: str) -> bool:
        return is_action(wanted) or (self._configured is not None and self._configured.owns(wanted))

    async def offer(self, wanted: Sequence[str], asker: Asker) -> Offer:
        """The agent's own come first: its author has them in mind."""
        stored = self._of_agent(asker.agent)
        own = await stored.offer(wanted, asker) if stored is not None else Offer(missing=dict.fromkeys(wanted, ""))
        left = list(own.missing)
        if self._configured is None:
            words = f"neither the agent nor {PATH} has an operation of this name"
            return Offer(own.tools, {name: why or words for name, why in own.missing.items()})
        others = await self._configured.offer(left, asker)
        names = {tool.name for tool in own.tools}
        tools = (*own.tools, *(tool for tool in others.tools if tool.name not in names))
        return Offer(tools, {name: own.missing[name] or why for name, why in others.missing.items()})

    async def call(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> ToolOutcome:
        stored = self._of_agent(asker.agent)
        own = stored is not None and stored.has(tool.name)
        actions = stored if own else self._configured
        if actions is None:
            from .results import failure

            return failure(f"The tool {tool.name} is not there any more.")
        ending: Ending = "cancelled"
        began = perf_counter()
        try:
            outcome = await actions.call(tool, arguments, asker)
            ending = "error" if outcome.is_error else "ok"
        finally:
            self._traffic.called("actions", "user" if own else tool.label, ending, perf_counter() - began)
        return outcome

    async def listed(self, asker: Asker) -> Sequence[ServerTool]:
        return await self._configured.listed(asker) if self._configured is not None else ()

    async def take_action(self, action: StoredAction, functions: Sequence[str]) -> ActionTaken:
        from .stored import taken

        return taken(action, functions, self._settings, self._services)

    async def door(self, name: str) -> Door | None:
        """Where users log in to an action; name: its site's."""
        owner, _, action = name.partition(":")
        if owner == "config":
            return self._door(self._configured, action)
        found = self._agent_of(action)
        if found is None:  # Another worker was told of it.
            await self._index.load()
            found = self._agent_of(action)
        return self._door(self._of_agent(found), action) if found is not None else None

    def _agent_of(self, action: str) -> str | None:
        kept = self._index.by_agent.items()
        return next((agent for agent, all_ in kept if any(one.id == action for one in all_)), None)

    def _door(self, actions: Actions | None, name: str) -> Door | None:
        found = actions.actions.get(name) if actions is not None else None
        return found.door if found is not None else None

    def _of_agent(self, agent: str) -> Actions | None:
        """Read again where they are others than before."""
        kept = self._index.by_agent.get(agent) if agent else None
        if not kept:
            self._stored.pop(agent, None)
            return None
        seals = [one.sealed for one in kept]
        known = self._stored.get(agent)
        if known is None or known[0] != seals:
            from .stored import actions_of

            known = self._stored[agent] = seals, actions_of(kept, self._settings, self._services)
        return known[1]
