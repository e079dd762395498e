"""Migrator: what `gateway migrate` does to a store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from .plan import Migration, Standing


class Migrator(ABC):
    """location: of the store, without credentials. Everything raises StartupError with what to do."""

    location: str

    @abstractmethod
    async def status(self) -> Sequence[Standing]:
        """Of all migrations that this version or the database knows, in order."""

    @abstractmethod
    async def up(self) -> Sequence[Migration]:
        """Runs what is missing, all of it or nothing; what was run."""

    @abstractmethod
    async def down(self, to: int) -> Sequence[Migration]:
        """Undoes what is newer than `to`, all of it or nothing; what was undone, newest first."""
