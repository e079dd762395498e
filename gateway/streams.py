"""Contracts of replies that are followed as they come: their numbered frames, and streams that may be taken up again.

`now` and `expires` are epoch seconds; what has expired is not there, whether or not it has been purged.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import msgspec

from .inbound import Principal

RunStatus = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
UNDER_WAY: tuple[RunStatus, ...] = ("queued", "in_progress")
SECOND_LOOK = 2.0
"""Seconds after which one that has been silent for long is looked at again, before it is taken for lost."""


class Owner(msgspec.Struct, frozen=True):
    """Whose it is. key_id: of a key with scopes, which has what it left here for itself; "" for all others."""

    user_id: str
    key_id: str = ""

    @classmethod
    def of(cls, principal: Principal) -> Owner:
        limited = principal.scopes is not None and principal.scopes.limits_calls
        return cls(principal.user_id, principal.key_id if limited else "")


class Frames(ABC):
    """What whoever runs something says of it, for whoever follows it, on any worker."""

    @abstractmethod
    async def write(self, name: str, frames: Sequence[tuple[int, bytes]], now: float) -> RunStatus | None:
        """Of a run: what its client is told, numbered; and that it goes on, which makes it `in_progress`. The status
        that it has; where that is not under way the run has to end. None where it was deleted.
        """

    @abstractmethod
    async def status(self, name: str) -> RunStatus | None:
        """Of a run, for whoever runs it. None where it was deleted."""

    @abstractmethod
    async def frames(self, owner: Owner, name: str, after: int, now: float) -> Sequence[tuple[int, bytes]]:
        """Those with numbers above `after`, in order; a part of them where they are many."""


class KeptStream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream that may be taken up again. id: of its exchange. media: its content type.

    model, agent, endpoint: as those of a KeptResponse. beat: when whoever runs it said last that it does. heard: when
    anybody was known last to follow it.
    """

    id: str
    owner: Owner
    model: str
    agent: str = ""
    endpoint: str = ""
    media: str
    status: RunStatus = "in_progress"
    created: float
    expires: float
    beat: float
    heard: float


class Streams(Frames):
    @abstractmethod
    async def put(self, stream: KeptStream) -> bool:
        """False where there is one with its id, whoever's that is."""

    @abstractmethod
    async def get(self, owner: Owner, name: str, now: float) -> KeptStream | None: ...

    @abstractmethod
    async def hear(self, owner: Owner, name: str, now: float) -> None:
        """Somebody follows it."""

    @abstractmethod
    async def end(self, name: str, status: RunStatus, expires: float) -> RunStatus | None:
        """What it came to, once, where it was still under way; its status. None where it is not there."""

    @abstractmethod
    async def purge(self, now: float) -> int:
        """Deletes what has expired, with its frames; how many streams that were."""
