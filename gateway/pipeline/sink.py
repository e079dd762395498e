"""Sink: where a reply is written, whatever carries it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping


class Sink(ABC):
    """Either `whole`; or `begin`, any number of `put` and `write`, and `end` or `abort`.

    began: whether status and headers are out.
    """

    began: bool = False

    @abstractmethod
    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Status, headers and body at once."""

    @abstractmethod
    async def begin(self, status: int, headers: Mapping[str, str]) -> None: ...

    @abstractmethod
    def put(self, data: bytes) -> bool:
        """Whether there is room for more; else `room` is to be awaited before the next. Raises ClientGone."""

    async def room(self) -> None:
        """Returns when there is room again; that is what slows the upstream. Raises ClientGone."""
        return

    async def write(self, data: bytes) -> None:
        if not self.put(data):
            await self.room()

    @abstractmethod
    async def end(self) -> None:
        """The reply is complete."""

    @abstractmethod
    def abort(self) -> None:
        """End it so that the client sees that it was cut."""


class ClientGone(Exception):
    """The client left, or did not read for `timeouts.write` seconds and was dropped. An outcome, not an error."""
