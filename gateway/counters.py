"""Counters: where limits are counted for all who count together; the contract of a plugin that does so for machines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec


class Want(msgspec.Struct, frozen=True):
    """What a limit is asked for.

    counter: 16 bytes that name the limit and whom it counts. Either `held`: a slot, which is taken until it is given
    back, cost 1, `most` of them; or a rate: microseconds of its window, which come back as time passes, `most` of them
    used up at a time (GCRA: what is used of it is how far its theoretical arrival time lies ahead).
    """

    counter: bytes
    cost: int
    most: int
    held: bool = False


class Grant(ABC):
    """What was taken. Slots are held, and held on to, until it is settled; they expire when their process ends."""

    @abstractmethod
    def settle(self, costs: Sequence[int]) -> None:
        """Once: slots go back, and rates come to these costs, by want. Never waits: enqueue."""


class Taken(msgspec.Struct, frozen=True):
    """All that was wanted, or nothing: `grant` is None then. used: of each want, with what was taken now."""

    grant: Grant | None
    used: Sequence[int]


class CountersDown(Exception):
    """They cannot be asked now, or not in time; who asked counts for itself."""


class Counters(ABC):
    """name: of its plugin, for messages."""

    name: str

    @abstractmethod
    async def open(self) -> None:
        """Before the first take, in each process that takes. That they cannot be reached is no error here."""

    @abstractmethod
    async def close(self) -> None:
        """After the last exchange has settled."""

    @abstractmethod
    async def take(self, wants: Sequence[Want]) -> Taken:
        """Atomic, whoever else takes. Raises CountersDown within a time that is stated, or Unavailable."""

    @abstractmethod
    def failure(self) -> str | None:
        """Why they cannot be asked now, for `/ready`; None when all is well."""
