"""What users keep for a server's customUserVars: encrypted, as their keys for endpoints, named `mcp_<server>`.

That is the name by which LibreChat's own client knows them, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import msgspec
from cachetools import TTLCache

from gateway import Sealed, SealedKey, Secret, Services, Unavailable

from .failures import Down

KEPT = 5.0
"""Seconds; what a user changes here is felt at once in this process, and so soon in the others."""
MOST = 10_000


PREFIX = "mcp_"


def key_name(server: str) -> str:
    return PREFIX + server


class Variables:
    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._known: TTLCache[tuple[str, str], Mapping[str, Secret]] = TTLCache(MOST, KEPT, clock)

    async def get(self, user: str, server: str) -> Mapping[str, Secret]:
        """Nothing where nothing is kept. Raises Down where it cannot be read."""
        known = self._known.get((user, server))
        if known is None:
            known = await self._read(user, key_name(server)) if user else {}
            self._known[user, server] = known
        return known

    async def put(self, user: str, server: str, values: Mapping[str, Secret]) -> None:
        """In place of what was kept. Raises Unavailable."""
        store, vault = self._services.store, self._services.vault
        if store is None or store.user_keys is None or vault is None:
            raise Unavailable("There is no store here that keeps what users bring, or no CREDS_KEY to encrypt it with.")
        name = key_name(server)
        text = msgspec.json.encode({key: value.reveal() for key, value in values.items()}).decode()
        if values:
            await store.user_keys.put(user, SealedKey(name, vault.seal(Secret(text), f"{user}/{name}")))
        else:
            await store.user_keys.delete(user, name)
        self._known.pop((user, server), None)

    async def _read(self, user: str, name: str) -> Mapping[str, Secret]:
        store, vault = self._services.store, self._services.vault
        if store is None or store.user_keys is None or vault is None:
            return {}
        try:
            found = await store.user_keys.get(user, name)
            if found is None or (found.expires is not None and found.expires <= self._services.clock()):
                return {}
            text = vault.open(found.sealed, f"{user}/{name}").reveal()
            return {key: Secret(value) for key, value in msgspec.json.decode(text, type=dict[str, str]).items()}
        except (Sealed, msgspec.MsgspecError) as error:
            raise Down(
                "what this user keeps for the server cannot be read any more and has to be given again"
            ) from error
        except Unavailable as error:
            raise Down("what this user keeps for the server cannot be read now") from error
