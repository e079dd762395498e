"""What has become of calls that nobody waits for, each for its caller alone and for a while."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import msgspec

from gateway import Services

from .settings import Options

FOLDER = "lettabot-runs"
MOST = 1000
"""Results that a process keeps in its memory."""


class Kept(msgspec.Struct, frozen=True):
    """id: not to be guessed. owner: the caller's user. expires: epoch seconds. status: of HTTP, 0 while it runs.

    body: what the client would have been answered.
    """

    id: str
    owner: str
    agent: str
    expires: float
    status: int = 0
    body: msgspec.Raw = msgspec.Raw(b"{}")


class Results(ABC):
    """Sync: they are small, and written while a gateway stops, too."""

    @abstractmethod
    def put(self, kept: Kept) -> None:
        """In place of an earlier one. Raises Unavailable."""

    @abstractmethod
    def get(self, identity: str, owner: str) -> Kept | None:
        """None for another's, and for one whose time is over. Raises Unavailable."""


class InMemory(Results):
    """Of this process, where there is no place for files: other workers do not know them, a restart loses them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[str, Kept] = {}

    def put(self, kept: Kept) -> None:
        now = self._clock()
        self._kept = {name: one for name, one in self._kept.items() if one.expires > now and name != kept.id}
        self._kept[kept.id] = kept
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]

    def get(self, identity: str, owner: str) -> Kept | None:
        found = self._kept.get(identity)
        return found if found is not None and found.owner == owner and found.expires > self._clock() else None


def new_id() -> str:
    return secrets.token_urlsafe(24)


def results_of(options: Options, services: Services) -> Results:
    """Files, encrypted, where there is a folder and a key for that."""
    from .files import InFiles

    store = services.store
    folder = options.directory or (store.directory if store is not None else None)
    if not folder or services.vault is None:
        return InMemory(services.clock)
    return InFiles(Path(folder) / FOLDER, services.vault, services.clock)
