"""`gateway.budgets`: what may be spent in a window, by whom; each of them, or those that are named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from gateway import Budget, Settings, SettingsError
from gateway.budgets import EACH, BudgetKind
from gateway.money import nano_of_credits, nano_of_usd, window_of

PATH = "gateway.budgets"
Amount = Annotated[float, Meta(ge=0)]


class BudgetRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be spent in a window: by each of a kind, or by those that are named.

    for: whose it is; the organisation is everybody who calls here. names: keys and agents by id, users by id or
    address, groups and runs by name; all of the kind, each their own, where there are none. usd, credits: how much, one
    of the two. per: the window, as `day`, `30 days`, `month`; `none` for one without an end. zone: the time zone in
    which days, weeks and months begin. cap: `hard` refuses what would pass it, `soft` lets it through and tells of it.
    """

    for_: BudgetKind = field(name="for")
    names: tuple[str, ...] = ()
    usd: Amount | None = None
    credits: Amount | None = None
    per: str = "none"
    zone: str = "UTC"
    cap: Literal["hard", "soft"] = "hard"

    def __post_init__(self) -> None:
        if (self.usd is None) == (self.credits is None):
            raise ValueError("A budget needs one of usd and credits")
        if self.names and self.for_ == "organisation":
            raise ValueError("The organisation has no names: it is everybody who calls here")
        if EACH in self.names:
            raise ValueError("A budget for all of a kind has no names")
        self.budgets()

    def budgets(self) -> Sequence[Budget]:
        """Raises ValueError, with what is wrong with the amount, the window or the zone."""
        window, amount = window_of(self.per, self.zone), self._amount()
        subjects = ("",) if self.for_ == "organisation" else self.names or (EACH,)
        return [Budget(self.for_, subject, amount, window, self.cap == "soft") for subject in subjects]

    def _amount(self) -> int:
        return nano_of_credits(self.credits or 0) if self.usd is None else nano_of_usd(self.usd)


def given(settings: Settings) -> Sequence[Budget]:
    """Raises SettingsError where two would be one budget."""
    found: dict[str, Budget] = {}
    for budget in _all(settings.many(BudgetRule)):
        if budget.name in found:
            raise SettingsError(f"{PATH}: there are two of {budget.name}; keep one, or give them different windows")
        found[budget.name] = budget
    return list(found.values())


def _all(rules: Iterable[BudgetRule]) -> Iterable[Budget]:
    return (budget for rule in rules for budget in rule.budgets())
