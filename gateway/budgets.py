"""Budgets: the contract of what is set while the gateway runs, and what a budget is. Amounts are nano-USD.

A budget is an account of the ledger (`ledger.py`), which is given the budget's amount when a window begins. There is
one for each owner and window: a key may have one a day and another a month.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import msgspec

from .ledger import Account
from .money.amounts import in_usd
from .money.terms import Cap, Terms
from .money.window import Window

BudgetKind = Literal["organisation", "group", "user", "key", "agent", "run"]
EACH = "*"
"""The subject of a budget that everybody of its kind has, each their own."""
BUDGET = "budget:"
"""What the owners of budgets' accounts begin with."""


class Budget(msgspec.Struct, frozen=True):
    """subject: the id of whom it is for; "" of the organisation, which is everybody who calls this installation. That
    of a run has its caller's before it, as `usr_1/nightly`.

    soft: whoever has used it up may go on, and that is told.
    """

    kind: BudgetKind
    subject: str
    amount: int
    window: Window = Window()
    soft: bool = False

    @property
    def name(self) -> str:
        """`key:key_1/day`: one of these is one budget, whatever its amount."""
        return f"{self.kind}:{self.subject}/{self.window.label}"

    @property
    def owner(self) -> str:
        """Of its account."""
        return BUDGET + self.name

    @property
    def words(self) -> str:
        """`the key 'key_1', USD 5.00 a day,`."""
        who = f"the {self.kind}" + (f" {self.subject!r}" if self.subject else "")
        return f"{who}, USD {in_usd(self.amount)} {self.window.words},"

    def of(self, subject: str) -> Budget:
        """The one that each of its kind has."""
        return msgspec.structs.replace(self, subject=subject)

    def cap(self, now: float) -> Cap:
        return Cap(self.amount, self.window.around(now)[0], self.soft)

    def terms(self, now: float) -> Terms:
        return Terms(cap=self.cap(now))


class Standing(msgspec.Struct, frozen=True):
    """A budget in the window that runs. resets: when the next one begins, epoch seconds; None for never."""

    used: int
    held: int
    left: int
    resets: float | None


def standing(budget: Budget, account: Account | None, now: float) -> Standing:
    """account: as the ledger has it, which learns of a new window with the next call; None where it is not opened."""
    began, ends = budget.window.around(now)
    resets = ends if ends < float("inf") else None
    if account is None:
        return Standing(0, 0, budget.amount, resets)
    used = 0 if began > account.refilled else max(0, account.spent - account.closed)
    return Standing(used, account.held, budget.cap(now).left(used, account.held), resets)


class Budgets(ABC):
    """Changes are seen by every worker within two seconds. Of what is used tells the ledger."""

    @abstractmethod
    async def list(self) -> Sequence[Budget]:
        """By kind, subject and window."""

    @abstractmethod
    async def put(self, budget: Budget) -> None:
        """In place of an earlier one of its name."""

    @abstractmethod
    async def remove(self, name: str) -> bool:
        """False where there is no such budget. Its account stays, with what was spent."""

    @abstractmethod
    async def revision(self) -> int:
        """Grows with every change, whoever made it."""
