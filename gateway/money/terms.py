"""Terms: what an account is given when it is first used, and again from time to time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

Unit = Literal["seconds", "minutes", "hours", "days", "weeks", "months"]
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}
NEVER = float("inf")


class Refill(msgspec.Struct, frozen=True):
    """amount: nano-USD, given at most once in so many units."""

    amount: int
    value: int
    unit: Unit

    def due(self, last: float) -> float:
        """When it may be given again; epoch seconds.

        A month is the calendar's, in UTC, and a day that it does not have is counted on into the next one, as by
        JavaScript's `setMonth`. Source: LibreChat `packages/data-provider/src/balance.ts`.
        """
        try:
            return self._months_after(last) if self.unit == "months" else last + self.value * _SECONDS[self.unit]
        except (ValueError, OverflowError):
            return NEVER

    def _months_after(self, last: float) -> float:
        then = datetime.fromtimestamp(last, UTC)
        years, month = divmod(then.month - 1 + self.value, 12)
        first = then.replace(year=then.year + years, month=month + 1, day=1)
        return (first + timedelta(days=then.day - 1)).timestamp()


class Cap(msgspec.Struct, frozen=True):
    """An account's amount for one window, in nano-USD. began: the window's, epoch seconds. soft: who has used it up is
    given what they need beyond it.
    """

    amount: int
    began: float
    soft: bool = False

    def left(self, used: int, held: int) -> int:
        """To be spent, where so much of the window's is used, and so much held."""
        return max(0, self.amount - max(0, used) - held)


class Terms(msgspec.Struct, frozen=True):
    """start: nano-USD that an account begins with. refill: None where none is given. cap: of a budget's account, which
    is given nothing else.
    """

    start: int = 0
    refill: Refill | None = None
    cap: Cap | None = None
