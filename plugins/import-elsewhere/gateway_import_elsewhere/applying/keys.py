"""Keys of a plan: by their hashes, so that they go on working."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from gateway import Conflict

from ..plan import PlannedKey
from ..verdict import Note
from .people_ids import Ids
from .place import Place

NO_OWNER = "its user is neither in what was read nor here from an earlier import"


async def keys(planned: Iterable[PlannedKey], store: Place, ids: Ids, dry: bool) -> AsyncIterator[Note]:
    for key in planned:
        here = await store.keys.find(key.digest)
        owner = ids.users.get(key.owner) or await store.identities.find(ids.source, key.owner)
        shown = f"{key.prefix} {key.label}".strip()
        if here is not None:
            ids.keys[key.digest] = here[0].id
            yield Note("keys", shown, "known")
        elif owner is None:
            yield Note("keys", shown, "dropped", NO_OWNER)
        else:
            ids.keys[key.digest] = ids.unmade(key.digest) if dry else await _made(key, owner, store)
            yield Note("keys", shown, "carried")


async def _made(key: PlannedKey, owner: str, store: Place) -> str:
    try:
        made = await store.keys.create(key.digest, key.prefix, key.label, owner, key.expires, key.scopes, own=True)
    except Conflict:
        found = await store.keys.find(key.digest)
        if found is None:
            raise
        made = found[0]
    if key.used is not None:
        store.keys.touch(made.id, key.used)
    return made.id
