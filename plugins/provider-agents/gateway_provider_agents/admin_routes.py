"""/api/admin/agents: what `gateway agents` does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from gateway import Agents, BadCall, NotFound, RouteSpec, Services, Store, Unavailable
from gateway.admin import Asking, Listed, Nothing, Paged, changing, cursor_of, place_of, reading
from gateway.identity import REMOTE_AGENT, VIEW

from .sharing import ROLES
from .shown import AgentShown, given, grants_of, shown
from .stored import Kept, StoredAgents


class Whom(Struct, frozen=True, forbid_unknown_fields=True):
    """id: of a user the id, name or address, of a group the id or name, of a role the name; nothing of the public."""

    type: Literal["user", "group", "role", "public"]
    id: str = ""


class Given(Whom, frozen=True, forbid_unknown_fields=True):
    """access: viewers use it, editors change it, too, and owners may do all of it, sharing included."""

    access: Literal["viewer", "editor", "owner"] = "viewer"


class SharingAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """share: in place of what they had. unshare: who keeps nothing of it."""

    share: tuple[Given, ...] = ()
    unshare: tuple[Whom, ...] = ()


class AgentAdmin:
    """The store is asked at each request, so that what was changed is seen at once."""

    def __init__(self, services: Services, stored: StoredAgents) -> None:
        self._services = services
        self._stored = stored

    async def list(self, asking: Asking[Paged, None]) -> Listed[AgentShown]:
        store, agents = self._kept()
        page = await agents.list(asking.query.limit, place_of(asking.query.cursor, str) or "")
        found = [await shown(store, self._stored, Kept.of(agent)) for agent in page.items]
        return Listed(found, None if page.next is None else cursor_of(page.next))

    async def get(self, asking: Asking[Nothing, None]) -> AgentShown:
        return await self._shown(asking.params["id"])

    async def share(self, asking: Asking[Nothing, SharingAsked]) -> AgentShown:
        """All of it or nothing."""
        store, agent, by = self._kept()[0], asking.params["id"], asking.principal.user_id
        asked = asking.body
        if not asked.share and not asked.unshare:
            raise BadCall("Nobody is named; say with whom under `share`, or from whom to take it under `unshare`.")
        await self._shown(agent)
        put = [
            await given(store, agent, one.type, _named(one), ROLES[f"{REMOTE_AGENT}_{one.access}"], by)
            for one in asked.share
        ]
        removed = [await given(store, agent, one.type, _named(one), VIEW, by) for one in asked.unshare]
        await grants_of(store).change(put, removed)
        return await self._shown(agent)

    async def _shown(self, agent_id: str) -> AgentShown:
        store, agents = self._kept()
        agent = await agents.get(agent_id)
        if agent is None:
            raise NotFound(f"There is no agent {agent_id!r} in the store; see: gateway agents list", param="agent")
        return await shown(store, self._stored, Kept.of(agent))

    def _kept(self) -> tuple[Store, Agents]:
        store = self._services.store
        if store is None or store.agents is None or store.grants is None:
            raise Unavailable("There is no store here that keeps agents; install plugins/store-sql.")
        return store, store.agents


def _named(whom: Whom) -> str:
    """Raises BadCall for somebody without a name: an empty one is mostly an unset variable of a script."""
    if whom.type != "public" and not whom.id.strip():
        raise BadCall(f"A {whom.type} is named by `id`.", param="id")
    return whom.id


def admin_routes(services: Services) -> Sequence[RouteSpec]:
    agents = AgentAdmin(services, StoredAgents(services))
    one, sharing = "/agents/{id}", "/agents/{id}/sharing"
    return [
        reading("/agents", agents.list, "All agents of the store, by id", Paged, Listed[AgentShown]),
        reading(one, agents.get, "One of them, without its instructions", Nothing, AgentShown),
        changing("PATCH", sharing, agents.share, "Share it, or share it no more", SharingAsked, AgentShown),
    ]
