"""Connection: a server that answers. What is asked at once is answered at once, in any order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from msgspec import Raw, Struct

from .messages import Params

Headers = Mapping[str, str]


class Welcome(Struct, frozen=True):
    """What a server says of itself. version: of the protocol. instructions: for models."""

    version: str
    instructions: str = ""
    has_tools: bool = True


class Connection(ABC):
    """lost: why it cannot be used any more. changed: called where the server says that its tools are others now.
    ended: called once it is lost without having been closed, where that can be told.
    """

    welcome: Welcome
    lost: str | None = None

    def __init__(self) -> None:
        self.changed: Callable[[], None] = _nothing
        self.ended: Callable[[], None] = _nothing

    @property
    def is_modern(self) -> bool:
        """Whether it is of 2026: each request stands by itself."""
        return self.welcome.version >= "2026"

    @abstractmethod
    async def ask(self, method: str, params: Params, headers: Headers) -> Raw:
        """The result. Cancelling it cancels the work. headers: of the caller, where there are any. Raises McpError."""

    @abstractmethod
    async def close(self) -> None:
        """Any number of times."""


def _nothing() -> None: ...
