"""Steps: what an exchange in the background has come to, written down so that another process can go on from there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence


class Steps(ABC):
    """Of one exchange, for whoever answers it. One that writes no step is never taken up.

    before: what was written by the processes that ran it until now, oldest first; nothing where it begins here.
    patience: seconds after its end in which another process takes it up, or nobody does. unsafe: something has happened
    since the last step that must not happen a second time, and of which no step tells.
    """

    before: Sequence[bytes]
    patience: float
    unsafe: bool = False

    @property
    def leaving(self) -> bool:
        """Whether it ends here because another process goes on with it."""
        return False

    @abstractmethod
    async def write(self, step: bytes, *, safe: bool = True) -> None:
        """Durable when it returns, together with all that the client was told before. safe: another process may go on
        from here; while the last step is not, none does. b"" says nothing else. Raises Unavailable, and Conflict where
        another process runs the exchange by now.
        """

    @abstractmethod
    def live(self) -> None:
        """What is told from now on is new. Until then, where there was something before, it is what led to it: the
        client has it already.
        """
