"""Meter, and the end of every exchange: the record is written and leases settled, once, whatever happened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from ..store import UsageRecord

if TYPE_CHECKING:
    from .exchange import Exchange


class Meter(ABC):
    """Receiver of usage records. Sync, never blocks: enqueue."""

    def started(self, exchange: Exchange) -> None:  # noqa: B027
        """An exchange began; its principal is not known yet."""

    @abstractmethod
    def record(self, record: UsageRecord) -> None:
        """It ended. Called once an exchange."""
