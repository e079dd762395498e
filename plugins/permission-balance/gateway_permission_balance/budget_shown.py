"""What the commands show of budgets: those that are set, and each account that counts against one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from msgspec import Struct

from gateway import Budget, Settings, Store
from gateway.budgets import BUDGET, EACH, BudgetKind, Standing, standing
from gateway.ledger import Account
from gateway.money import in_usd

from .budgets import InForce, Stored
from .rules import given

Source = Literal["store", "file"]
Called = Mapping[tuple[str, str], str]
"""Addresses of users and names of groups, by kind and id."""


class Listed(NamedTuple):
    """source: who says so. alone: it has an account, and is not what each of several has."""

    budget: Budget
    source: Source
    alone: bool


class BudgetShown(Struct, frozen=True):
    """Nano-USD. used, held, left: None where each of several has theirs. resets: epoch seconds; None for never."""

    name: str
    kind: BudgetKind
    subject: str
    source: Source
    soft: bool
    per: str
    zone: str
    amount: int
    used: int | None
    held: int | None
    left: int | None
    resets: float | None

    @classmethod
    def of(cls, listed: Listed, stands: Standing) -> BudgetShown:
        budget, window = listed.budget, listed.budget.window
        told = (budget.soft, window.label, window.zone, budget.amount)
        used, held, left = (part if listed.alone else None for part in (stands.used, stands.held, stands.left))
        names = (budget.name, budget.kind, budget.subject, listed.source)
        return cls(*names, *told, used, held, left, stands.resets)

    @property
    def row(self) -> Sequence[str]:
        amounts = ("" if one is None else in_usd(one) for one in (self.amount, self.used, self.held, self.left))
        resets = "" if self.resets is None else f"{datetime.fromtimestamp(self.resets, UTC):%Y-%m-%d %H:%M}Z"
        return [self.name, "soft" if self.soft else "hard", *amounts, resets, self.source]


class Listing:
    """All that holds now."""

    def __init__(self, settings: Settings, stored: Iterable[Budget], accounts: Iterable[Account]) -> None:
        self._file = given(settings)
        self._store = list(stored)
        self.accounts = {account.owner: account for account in accounts}

    def all(self, called: Called) -> Sequence[Listed]:
        """What is set first, and then whoever has an account by it."""
        ids = {(kind, name): found for (kind, found), name in called.items() if name}
        found: dict[str, Listed] = {}
        for source, budgets in (("file", self._file), ("store", self._store)):
            for budget in budgets:
                budget = budget.of(ids.get((budget.kind, budget.subject), budget.subject))
                found[budget.name] = Listed(budget, source, _alone(budget))  # type: ignore[arg-type]
        for listed in self._counted(called):
            found.setdefault(listed.budget.name, listed)
        return sorted(found.values(), key=lambda one: (one.budget.kind, one.budget.subject, one.budget.window.label))

    def shown(self, listed: Listed, now: float) -> BudgetShown:
        return BudgetShown.of(listed, standing(listed.budget, self.accounts.get(listed.budget.owner), now))

    def _counted(self, called: Called) -> Iterable[Listed]:
        """By what each of several has."""
        in_file, in_force = InForce(self._file, Stored(None)), InForce(self._file, Stored.holding(self._store))
        in_file.look(), in_force.look()
        for owner in self.accounts:
            kind, subject = _named(owner)
            names = (subject, subject.rpartition("/")[2] if kind == "run" else called.get((kind, subject), subject))
            for one in in_force.of(kind, names):
                if one.owner == owner:
                    same = any(other.budget == one.budget for other in in_file.of(kind, names))
                    yield Listed(one.budget, "file" if same else "store", True)


async def listing(settings: Settings, store: Store) -> Listing:
    """Raises Unavailable."""
    stored = await store.budgets.list() if store.budgets is not None else ()
    accounts = await store.ledger.accounts(BUDGET) if store.ledger is not None else ()
    return Listing(settings, stored, accounts)


def _alone(budget: Budget) -> bool:
    return budget.subject != EACH and (budget.kind != "run" or "/" in budget.subject)


def _named(owner: str) -> tuple[BudgetKind, str]:
    """Of an account."""
    kind, _, rest = owner.removeprefix(BUDGET).partition(":")
    return kind, rest.rpartition("/")[0]  # type: ignore[return-value]
