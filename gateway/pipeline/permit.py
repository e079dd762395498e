"""Permission, Lease and the step: may this go on, and what does it take."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from ..inbound import Inbound, Principal
from ..provider import Model
from ..store import Outcome
from ..usage import Usage

if TYPE_CHECKING:
    from .exchange import Attempt, Exchange


class Lease(ABC):
    """What a permission took and must give back. All sync, never blocking."""

    def progress(self, usage: Usage) -> None:  # noqa: B027
        """Per read of a stream, all counts so far, `estimated` where the upstream has not told them yet. Raise
        QuotaExceeded to stop the stream at a hard cap.
        """

    def whole(self, usage: Usage) -> None:  # noqa: B027
        """An unstreamed reply is here, and nothing has gone to the client: its headers tell what is noted now."""

    @abstractmethod
    def settle(self, outcome: Outcome) -> None:
        """Exactly once, whatever happened: enqueue."""


def watching(leases: Iterable[Lease]) -> Sequence[Lease]:
    """Those that want to know of progress."""
    return [lease for lease in leases if type(lease).progress is not Lease.progress]


class Permission(ABC):
    """A rule that agrees or raises. scope: once an exchange, or for each attempt."""

    scope: Literal["exchange", "attempt"] = "exchange"

    @abstractmethod
    async def check(self, exchange: Exchange, attempt: Attempt | None) -> Lease | None:
        """Raise Forbidden, RateLimited or QuotaExceeded. On operations of kind `models` there is no route yet."""

    def visible(self, inbound: Inbound, principal: Principal, model: Model) -> bool:
        """Whether the list of models shows it to this caller: exactly what `check` would agree to."""
        return True


async def permit(permissions: Sequence[Permission], exchange: Exchange, attempt: Attempt | None = None) -> None:
    """Runs them in order; leases go to the attempt, or to the exchange where there is none."""
    leases = exchange.leases if attempt is None else attempt.leases
    for permission in permissions:
        lease = await permission.check(exchange, attempt)
        if lease is not None:
            leases.append(lease)
