"""What the commands and the routes of admins show of an agent of the store, and how they share it."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from gateway import AccessGrant, Agent, Grants, NotFound, Store
from gateway.identity import REMOTE_AGENT

from .sharing import Whole, grant_of, whole
from .stored import Kept, StoredAgents
from .versions import content_of, count, is_newest, said


class AgentShown(Struct, frozen=True):
    """unavailable: why it cannot be called, null where it can. notes: what of it has no effect. version: the newest.

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
    version: int = 0

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
        stored.notes(kept),
        await whole(store, agent.id),
        count(agent),
    )


class VersionShown(Struct, frozen=True):
    """by: who made it, by name where it is a user. changed: members that are other than in the version before; null of
    the first that is kept. current: whether the agent is so now.
    """

    version: int
    updated: str
    by: str
    changed: list[str] | None
    current: bool


async def versions_shown(store: Store, agent: Agent) -> list[VersionShown]:
    """The newest first, without what they say."""
    made: list[VersionShown] = []
    first, before = count(agent) - len(agent.versions) + 1, None
    for number, version in enumerate(agent.versions, first):
        told = said(content_of(version))
        changed = (
            None if before is None else sorted(name for name in {*told, *before} if told.get(name) != before.get(name))
        )
        by = str(version.get("updatedBy") or "")
        made.append(VersionShown(number, str(version.get("updatedAt") or ""), await named(store, by), changed, False))
        before = told
    if made and is_newest(agent):
        made[-1] = msgspec.structs.replace(made[-1], current=True)
    return made[::-1]


async def named(store: Store, user_id: str) -> str:
    """What a user is called; the id where there is none."""
    user = await store.users.get(user_id) if user_id else None
    return user_id if user is None else user.name


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
