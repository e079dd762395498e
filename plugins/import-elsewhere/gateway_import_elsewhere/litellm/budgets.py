"""LiteLLM's budgets, of a row's own or of the budget that it names, with what is spent and when they reset."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal

from gateway.money import MOST, USD

from ..plan import PlannedBudget
from ..verdict import Note
from .database import BUDGETS, Row, Rows
from .spans import NONE, window

FIELDS = ("max_budget", "soft_budget", "budget_duration", "budget_reset_at")


class Budgets:
    """now: what had to be reset by then is, which LiteLLM does only while it runs."""

    def __init__(self, rows: Rows, notes: list[Note], now: float) -> None:
        self._now = now
        self._named = {str(row["budget_id"]): row for row in rows.of(BUDGETS)}
        self._notes = notes

    def of(self, name: str, row: Row) -> Iterator[PlannedBudget]:
        """Amounts there are USD. A soft one beside a hard one is a matter of alerts, and is told of."""
        named = self._named.get(str(row.get("budget_id")), {})
        most, soft, duration, resets = (
            row.get(field) if row.get(field) is not None else named.get(field) for field in FIELDS
        )
        limit = soft if most is None else most
        if limit is None:
            return
        if most is not None and soft is not None:
            self._notes.append(Note("budgets.soft_budget", name, "dropped", "a budget here is either soft or hard"))
        try:
            span, exact = window(duration)
            amount, used = _nano(limit), _nano(row.get("spend") or 0)
        except ValueError as error:
            self._notes.append(Note("budgets", name, "dropped", str(error)))
            return
        if not exact:
            self._notes.append(Note("budgets", name, "changed", f"{duration} is {span} here"))
        key, at = f"import:litellm:{name}", epoch(resets)
        over = span != NONE and at is not None and at <= self._now
        yield PlannedBudget(amount, 0 if over else used, span, key, at, soft=most is None)


def _nano(usd: float) -> int:
    """Rounded down. Raises ValueError."""
    exact = Decimal(str(usd)) * USD
    if not exact.is_finite() or not 0 <= exact <= MOST:
        raise ValueError(f"{usd} USD is no amount of a budget")
    return int(exact)


def epoch(moment: datetime.datetime | None) -> float | None:
    """LiteLLM keeps times in UTC, without a zone."""
    return None if moment is None else moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp()
