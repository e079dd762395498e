"""Actions of a plan, sealed anew, with the agents that are here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable

from gateway import StoredAction, Unavailable
from gateway.actions import KIND, sealed

from ..plan import PlannedAction
from ..verdict import Note
from .people_ids import Ids
from .place import Place

NOWHERE = "there is no place here for it: no vault (CREDS_KEY), or a store that keeps none"
NO_AGENT = "its agent is not here"


async def actions(
    planned: Iterable[PlannedAction], agents: Collection[str], store: Place, ids: Ids, now: float, dry: bool
) -> AsyncIterator[Note]:
    """agents: ids of those that the plan makes."""
    for one in planned:
        if store.resources is None or store.vault is None:
            yield Note("actions", one.id, "dropped", NOWHERE)
        elif await store.resources.get(KIND, one.id) is not None:
            yield Note("actions", one.id, "known")
        elif one.agent not in agents and await store.agents.get(one.agent) is None:
            yield Note("actions", one.id, "dropped", NO_AGENT)
        else:
            user = ids.users.get(one.user) or await store.identities.find(ids.source, one.user) or ""
            try:
                kept = sealed(StoredAction(one.id, one.agent, user, one.metadata, now, now), store.vault)
            except Unavailable:
                yield Note("actions", one.id, "dropped", NOWHERE)
                continue
            if not dry:
                await store.resources.create(kept)
            yield Note("actions", one.id, "carried")
