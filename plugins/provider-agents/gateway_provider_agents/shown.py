"""What the commands and the routes of admins show of an agent of the store, and how they share it."""

from __future__ import annotations

from msgspec import Struct

from gateway import AccessGrant, Grants, NotFound, Store
from gateway.identity import REMOTE_AGENT

from .sharing import Whole, grant_of, whole
from .stored import Kept, StoredAgents


class AgentShown(Struct, frozen=True):
    """unavailable: why it cannot be called, null where it can. notes: what of it has no effect.

    created, updated: epoch seconds.
    """

    id: str
    name: str
    description: str
    provider: str
    model: str
    author: str
    created: float
    updated: float
    unavailable: str | None
    notes: list[str]
    shared: Whole

    @property
    def whom(self) -> str:
        named = [f"{one.type} {one.name} ({_short(one.access_role_id)})" for one in self.shared.principals]
        role = self.shared.public_access_role_id
        return ", ".join([*named, *([f"everybody ({_short(role)})"] if role is not None else [])]) or "nobody"


async def shown(store: Store, stored: StoredAgents, kept: Kept) -> AgentShown:
    agent = kept.agent
    author = await store.users.get(agent.author)
    return AgentShown(
        agent.id,
        agent.name,
        agent.description,
        agent.provider,
        agent.model,
        agent.author if author is None else author.name,
        agent.created,
        agent.updated,
        stored.trouble(kept),
        kept.notes,
        await whole(store, agent.id),
    )


async def given(store: Store, agent: str, kind: str, text: str, bits: int, by: str) -> AccessGrant:
    """kind: user, group, role or public. Raises NotFound."""
    if kind == "public":
        return AccessGrant(REMOTE_AGENT, agent, "public", "", bits, by)
    return await grant_of(store, agent, kind, text, bits, by)


def grants_of(store: Store) -> Grants:
    """Raises NotFound where the store keeps none."""
    if store.grants is None:
        raise NotFound(f"The store {store.name} keeps no agents; plugins/store-sql does.")
    return store.grants


def _short(role: str) -> str:
    return role.removeprefix(f"{REMOTE_AGENT}_") or "nothing whole"
