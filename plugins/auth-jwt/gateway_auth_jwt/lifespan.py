"""DeskLifespan: what is on its way is ended with the worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway import Lifespan

from .desk import STATE, Desk


class DeskLifespan(Lifespan):
    """state: of Services."""

    scope = "worker"

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._state = state

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        desk = self._state.get(STATE)
        if isinstance(desk, Desk):
            await desk.close()
