"""Contract of what users make beside agents, each a document that is kept sealed: MCP servers, actions of agents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec


class Resource(msgspec.Struct, frozen=True):
    """kind: as in `Grants`; within one, ids are unique, and their maker's choice. user_id: whose it is.

    sealed: the document, encrypted by the vault; nothing where its being there says all. agent: the id of the one that
    it belongs to and goes with, "" of none.
    Times are epoch seconds.
    """

    kind: str
    id: str
    user_id: str
    sealed: bytes
    agent: str = ""
    created: float = 0.0
    updated: float = 0.0

    @property
    def owner(self) -> str:
        """What the vault seals it for."""
        return f"{self.kind}/{self.id}"


class Resources(ABC):
    """Everything is durable when it returns. What a deleted user made, or belongs to a deleted agent, is not here."""

    @abstractmethod
    async def list(self, kind: str) -> Sequence[Resource]:
        """All of them, by id."""

    @abstractmethod
    async def get(self, kind: str, resource_id: str) -> Resource | None: ...

    @abstractmethod
    async def create(self, resource: Resource) -> None:
        """Raises Conflict where there is one of its kind and id."""

    @abstractmethod
    async def update(self, resource: Resource) -> bool:
        """Its document and the time; what it is and whose stays. False where it is not there, or another by now: one
        that was made at another time.
        """

    @abstractmethod
    async def delete(self, kind: str, resource_id: str) -> bool:
        """False where there is none."""

    @abstractmethod
    async def revision(self, kind: str) -> int:
        """Grows with every change to one of the kind, whoever made it."""
