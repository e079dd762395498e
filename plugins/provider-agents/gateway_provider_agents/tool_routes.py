"""/api/agents/tools/{id}: whether a tool can be called for the caller, and a call by itself, as LibreChat has it.

Who may make agents may call what they could give one. Source: LibreChat `api/server/controllers/tools.js`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway import (
    Answer,
    Asker,
    Inbound,
    Offer,
    Principal,
    RouteSpec,
    Services,
    Settings,
    Text,
    ToolOutcome,
    ToolSource,
)

from .approval import Approval, Rules
from .routes import AgentRoutes, answered, document_of, spec
from .run_settings import LibreChatAgents, RunSettings
from .sharing import Said

ABOUT = frozenset(("messageId", "partIndex", "blockIndex", "conversationId"))
"""Members of a call's body that say where LibreChat's client shows it; the others are arguments."""


class ToolRoutes:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._agents = AgentRoutes(settings, services)
        self._services = services
        self._rules = Rules(Approval(settings.one(LibreChatAgents).tool_approval))
        self._patience = settings.one(RunSettings).tool_timeout

    async def auth(self, inbound: Inbound, principal: Principal) -> Answer:
        """False where something of the caller's is missing, or the server does not answer; it says which."""
        await self._agents.begin(principal)
        _, offer = await self._offered(inbound, principal)
        if offer.tools:
            return answered({"authenticated": True, "message": "system_defined"})
        why = next(iter(offer.missing.values()), "it is not there")
        return answered({"authenticated": False, "message": "user_provided", "reason": why})

    async def call(self, inbound: Inbound, principal: Principal) -> Answer:
        """Whoever calls it has approved of it."""
        await self._agents.begin(principal, create=True)
        body = await document_of(inbound)
        arguments = {name: value for name, value in body.items() if name not in ABOUT}
        source, offer = await self._offered(inbound, principal)
        if len(offer.tools) != 1:
            why = next(iter(offer.missing.values()), f"it stands for {len(offer.tools)} tools")
            raise Said(404, message=f"Tool not found: {why}.")
        [tool] = offer.tools
        if (refusal := self._rules.refusal(tool, approved=True)) is not None:
            raise Said(403, message=f"The call was not made: {refusal}")
        try:
            async with asyncio.timeout(self._patience):
                outcome = await source.call(tool, arguments, _asker(inbound, principal))
        except TimeoutError as error:
            raise Said(504, message=f"The tool did not answer within {self._patience:g} s.") from error
        if outcome.is_error:
            raise Said(502, message=_words(outcome))
        return answered({"result": _words(outcome), "attachments": []})

    async def calls(self, inbound: Inbound, principal: Principal) -> Answer:
        """None: a call by itself is nobody's to look up again."""
        await self._agents.begin(principal)
        return answered([])

    async def _offered(self, inbound: Inbound, principal: Principal) -> tuple[ToolSource, Offer]:
        """Raises Said where nobody here runs such a tool."""
        wanted = inbound.params["id"]
        source = next((one for one in self._services.tools if one.owns(wanted)), None)
        if source is None:
            raise Said(404, message="Tool not found")
        return source, await source.offer([wanted], _asker(inbound, principal))


def tool_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    routes, one = ToolRoutes(settings, services), "/api/agents/tools/{id}"
    return [
        spec("GET", "/api/agents/tools/calls", routes.calls, "Calls of tools by themselves; none are kept"),
        spec("GET", f"{one}/auth", routes.auth, "Whether a tool can be called for the caller"),
        spec("POST", f"{one}/call", routes.call, "Call a tool by itself"),
    ]


def _asker(inbound: Inbound, principal: Principal) -> Asker:
    return Asker(principal, headers=inbound.headers)


def _words(outcome: ToolOutcome) -> str:
    return "\n".join(
        block.text if isinstance(block, Text) else f"[{type(block).__name__.lower()}]" for block in outcome.blocks
    )
