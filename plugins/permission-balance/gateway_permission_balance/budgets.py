"""Which budgets hold: those of the configuration, and those of the store, which change while the gateway runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gateway import Budget, Services, Store
from gateway.budgets import EACH, BudgetKind
from gateway.money import Window

_STATE = "permission-balance.budgets"
_KEPT = 4096
ByLabel = Mapping[str, Budget]
_NONE: ByLabel = {}


class Rules:
    """Of one source: by kind and name, `EACH` for all of a kind, then by the window's label."""

    def __init__(self, budgets: Iterable[Budget] = ()) -> None:
        self._found: dict[tuple[BudgetKind, str], dict[str, Budget]] = {}
        for budget in budgets:
            self._found.setdefault((budget.kind, budget.subject), {})[budget.window.label] = budget
        self.kinds = frozenset(kind for kind, _ in self._found)

    def of(self, kind: BudgetKind, name: str) -> ByLabel:
        return self._found.get((kind, name), _NONE)


class Stored:
    """What the store has, as this process last read it. groups: ids by name. version: changes when they do."""

    def __init__(self, store: Store | None) -> None:
        self._store = store if store is not None and store.budgets is not None else None
        self.rules = Rules()
        self.groups: Mapping[str, str] = {}
        self.known = self._store is None
        self.version = 0

    @classmethod
    def holding(cls, budgets: Iterable[Budget]) -> Stored:
        """These, whatever happens to the store."""
        stored = cls(None)
        stored.rules = Rules(budgets)
        return stored

    async def load(self) -> None:
        """Raises Unavailable."""
        if self._store is None or self._store.budgets is None:
            return
        groups = await self._store.groups.list() if self._store.groups is not None else ()
        self.rules = Rules(await self._store.budgets.list())
        self.groups = {group.name: group.id for group in groups}
        self.known = True
        self.version += 1

    async def revision(self) -> int:
        """Grows when budgets do, or groups."""
        if self._store is None or self._store.budgets is None:
            return 0
        return await self._store.budgets.revision() + await self._store.keys.revision()


def stored_of(services: Services) -> Stored:
    """The one of this process; it survives a reload."""
    stored: Stored = services.state.setdefault(_STATE, Stored(services.store))
    return stored


class Owned(NamedTuple):
    """A budget, and the owner of its account."""

    budget: Budget
    owner: str


class InForce:
    """Of one kind and window the first of these holds: the store's for the name, the configuration's for the name, the
    store's for all of the kind, the configuration's for all of the kind.
    """

    def __init__(self, given: Iterable[Budget], stored: Stored) -> None:
        self._given = Rules(given)
        self.stored = stored
        self._version = -1
        self.kinds: frozenset[BudgetKind] = frozenset()
        self._found: dict[tuple[BudgetKind, tuple[str, ...]], Sequence[Owned]] = {}
        self._windows: dict[Window, tuple[float, float]] = {}

    def look(self) -> frozenset[BudgetKind]:
        """The kinds of which there are any, as the store has them now."""
        if self._version != self.stored.version:
            self._version = self.stored.version
            self.kinds = self._given.kinds | self.stored.rules.kinds
            self._found.clear()
        return self.kinds

    def of(self, kind: BudgetKind, names: tuple[str, ...]) -> Sequence[Owned]:
        """names: the id first, which accounts are named after."""
        found = self._found.get((kind, names))
        if found is None:
            if len(self._found) >= _KEPT:
                self._found.clear()
            found = self._found[kind, names] = self._worked_out(kind, names)
        return found

    def window(self, window: Window, now: float) -> tuple[float, float]:
        """When it began, and when it ends."""
        span = self._windows.get(window)
        if span is None or not span[0] <= now < span[1]:
            if len(self._windows) >= _KEPT:
                self._windows.clear()
            span = self._windows[window] = window.around(now)
        return span

    def _worked_out(self, kind: BudgetKind, names: tuple[str, ...]) -> Sequence[Owned]:
        stored = self.stored.rules
        found = {**self._given.of(kind, EACH), **stored.of(kind, EACH)}
        for name in reversed(names):
            found |= self._given.of(kind, name)
        for name in reversed(names):
            found |= stored.of(kind, name)
        return [Owned(one := budget.of(names[0]), one.owner) for budget in found.values()]
