"""Index: the store's actions by their agents, sealed as they are; the same in all workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

from gateway import Follower, Lifespan, Resource, Resources, Services
from gateway.actions import KIND

_STATE = "tools-actions.index"


class Index:
    """known: whether they were read."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.by_agent: Mapping[str, Sequence[Resource]] = {}
        self.known = False

    @staticmethod
    def of(services: Services) -> Index:
        """The one of this process. What was read survives a reload."""
        kept = cast("Index | None", services.state.get(_STATE))
        if kept is None or kept._services.store is not services.store:
            kept = services.state[_STATE] = Index(services)
        return kept

    @property
    def resources(self) -> Resources | None:
        """None where none can be kept."""
        store = self._services.store
        return store.resources if store is not None and self._services.vault is not None else None

    async def load(self) -> None:
        """All of them, in place of those before. Raises Unavailable."""
        if self.resources is None:
            return
        found: dict[str, list[Resource]] = {}
        for one in await self.resources.list(KIND):
            found.setdefault(one.agent, []).append(one)
        self.by_agent, self.known = found, True


def follower(services: Services) -> Sequence[Lifespan]:
    index = Index.of(services)
    if index.resources is None:
        return ()
    return (Follower("actions", partial(index.resources.revision, KIND), index.load, services.log, known=index.known),)
