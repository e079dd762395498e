"""KeysLifespan: the provider's keys are asked for when the worker starts, so that no request has to wait for them."""

from __future__ import annotations

from gateway import Lifespan

from .signing_keys import SigningKeys


class KeysLifespan(Lifespan):
    """It never fails, but warns: without the provider the gateway still serves whoever has another key."""

    scope = "worker"

    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys

    async def start(self) -> None:
        self._keys.renew()

    async def stop(self) -> None:
        await self._keys.close()

    def warning(self) -> str | None:
        return self._keys.trouble()
