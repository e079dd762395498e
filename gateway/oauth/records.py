"""What is kept for users: encrypted, as their keys for endpoints are, each by a name."""

from __future__ import annotations

from ..errors import Unavailable
from ..secret import Secret
from ..services import Services
from ..store import SealedKey
from ..vault import Sealed
from .failures import Lacking


class Records:
    def __init__(self, services: Services) -> None:
        self._services = services

    @property
    def are_kept(self) -> bool:
        store = self._services.store
        return store is not None and store.user_keys is not None and self._services.vault is not None

    async def get(self, user: str, name: str) -> str | None:
        """None where nothing is kept, or it has expired. Raises Lacking where it cannot be read."""
        store, vault = self._services.store, self._services.vault
        if not user or store is None or store.user_keys is None or vault is None:
            return None
        try:
            found = await store.user_keys.get(user, name)
            if found is None or (found.expires is not None and found.expires <= self._services.clock()):
                return None
            return vault.open(found.sealed, f"{user}/{name}").reveal()
        except Sealed as error:
            raise Lacking("what this user keeps for it cannot be read, and is to be given again") from error
        except Unavailable as error:
            raise Lacking("what this user keeps for it cannot be read now") from error

    async def put(self, user: str, name: str, text: str, expires: float | None = None) -> None:
        """In place of what was kept. Raises Unavailable."""
        store, vault = self._services.store, self._services.vault
        if store is None or store.user_keys is None or vault is None:
            raise Unavailable("There is no store here that keeps what users bring, or no CREDS_KEY to encrypt it with.")
        await store.user_keys.put(user, SealedKey(name, vault.seal(Secret(text), f"{user}/{name}"), expires))

    async def delete(self, user: str, name: str) -> None:
        store = self._services.store
        if store is not None and store.user_keys is not None:
            await store.user_keys.delete(user, name)
