"""GET /api/endpoints: what there is to call, in LibreChat's order and members.

Source: LibreChat `packages/api/src/endpoints/config`, `packages/data-provider/src/parsers.ts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from gateway import Answer, Inbound, Principal, Provider, Settings

from .answers import Members
from .assistants import assistants
from .section import BUILT_IN, AgentsFields

CUSTOM = "custom"
LAST = 9999
HTML = "text/html; charset=utf-8"
"""LibreChat sends this one's JSON as text."""


class Endpoints:
    """endpoints: filled after this is made."""

    def __init__(self, settings: Settings, endpoints: Mapping[str, Provider]) -> None:
        self._endpoints = endpoints
        self._agents = settings.one(AgentsFields)
        self._assistants = assistants(settings)
        named = [name.strip() for name in (settings.env("ENDPOINTS") or "").split(",") if name.strip()]
        self._order = tuple(named) or BUILT_IN

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        return Answer(msgspec.json.encode(self.shown()), content_type=HTML)

    def shown(self) -> dict[str, Members]:
        """By name: built-in ones in their order, then custom ones as the file has them. What cannot be called is left
        out, as LibreChat leaves out what has no key; but for assistants, which only the client of LibreChat calls.
        """
        entries = sorted(self._entries(), key=lambda entry: entry[0])
        return {name: {"order": order, **members} for order, name, members in entries}

    def _entries(self) -> Iterator[tuple[int, str, Members]]:
        if "agents" in self._order:
            yield self._order.index("agents"), "agents", self._of_agents()
        for name, members in self._assistants.items():
            if name in self._order:
                yield self._order.index(name), name, members
        for provider in self._endpoints.values():
            kind = kind_of(provider)
            if provider.unavailable or kind in self._assistants or (kind != CUSTOM and kind not in self._order):
                continue
            order = self._order.index(kind) if kind in self._order else LAST
            yield order, provider.endpoint, _members(provider, kind)

    def _of_agents(self) -> Members:
        return {
            "userProvide": False,
            "disableBuilder": self._agents.disable_builder,
            "capabilities": self._agents.capabilities,
            "allowedProviders": self._agents.allowed_providers,
            "maxSubagents": self._agents.max_subagents,
        }


def kind_of(provider: Provider) -> str:
    """LibreChat's name for the kind of endpoint: what it says itself, otherwise by its name."""
    return provider.kind or (provider.endpoint if provider.endpoint in BUILT_IN else CUSTOM)


def _members(provider: Provider, kind: str) -> Members:
    """`userProvideURL` is said of custom endpoints always, of the others where it is so."""
    own_url = "baseURL" in provider.user_provides
    members: Members = {"type": CUSTOM} if kind == CUSTOM else {}
    members["userProvide"] = any(name != "baseURL" for name in provider.user_provides)
    if own_url or kind == CUSTOM:
        members["userProvideURL"] = own_url
    return members | dict(provider.shown())
