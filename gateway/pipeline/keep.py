"""Keeper: what clients of a dialect leave here and come back to, and exchanges that go on without their clients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .exchange import Exchange
    from .sink import Sink

Finish = Callable[["Exchange", "Sink"], Coroutine[Any, Any, None]]
"""Takes a detached exchange to its settled record, whatever happens; errors are written to the sink."""


class Keeping(ABC):
    """One call that leaves something here, or takes something up. answers: nobody else is to be asked."""

    answers: bool = False

    async def answer(self, sink: Sink) -> None:
        """Of one that `answers`, once it is permitted: the whole reply."""
        raise NotImplementedError

    async def permitted(self) -> None:
        """Before the call goes to whoever answers it, and after it was permitted: what has to be asked before. Raises
        GatewayError.
        """
        return

    @abstractmethod
    def sink(self, sink: Sink) -> Sink:
        """What the reply is to be written to: it writes on to `sink`, and keeps what is to be kept before the end."""

    @abstractmethod
    async def detach(self, sink: Sink, finish: Finish) -> None:
        """Of a call in the background, once it is permitted: the client is told, and the exchange goes on without it.
        `Services.detached` owns it then.

        It sets `Exchange.detached` once `finish` is sure to run, and raises GatewayError before that only.
        """


class Keeper(ABC):
    """For one dialect. dialect: its name."""

    dialect: str

    @abstractmethod
    def concerns(self, exchange: Exchange) -> bool:
        """Whether the call leaves or takes up anything, by its envelope and its route. Asked for every call of the
        dialect, so it looks nothing up.
        """

    @abstractmethod
    async def take_up(self, exchange: Exchange) -> Keeping:
        """Before permissions are asked: what the call continues is put into `inbound.body`, and what is only for the
        gateway is taken out. Raises BadCall, NotFound, TooLarge or Unavailable.
        """

    @abstractmethod
    async def serve(self, exchange: Exchange, sink: Sink) -> None:
        """An operation of kind `state`, permitted. Raises GatewayError while nothing has gone to the client."""
