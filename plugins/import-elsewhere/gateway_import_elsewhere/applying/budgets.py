"""Budgets of a plan, with what is spent of them and when they begin anew."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Literal

from gateway import Budget, Conflict
from gateway.ledger import Grant
from gateway.money import in_usd, window_of

from ..plan import Plan, PlannedBudget
from ..verdict import Note
from .people_ids import Ids
from .place import Place

Kind = Literal["key", "user", "group"]
NO_BUDGETS = "the store keeps no budgets that are set while the gateway runs"
NO_OWNER = "whom it is for is not here"
WIDER = "it counts all that they call, whichever key and team it is by; there it counted some of it"
ACTOR = "import"


async def budgets(plan: Plan, store: Place, ids: Ids, now: float, dry: bool) -> AsyncIterator[Note]:
    """A budget that is here already stays as it is here, with what is used of it."""
    here = {one.name for one in await store.budgets.list()} if store.budgets is not None else set()
    for kind, subject, called, one in _all(plan, ids):
        shown = f"{kind} {called}: {in_usd(one.used)} of {in_usd(one.amount)} USD, {one.window}"
        if store.budgets is None or store.ledger is None or subject is None:
            yield Note("budgets", shown, "dropped", NO_OWNER if subject is None else NO_BUDGETS)
            continue
        budget = Budget(kind, subject, one.amount, window_of(one.window, anchor=one.resets), one.soft)
        if budget.name in here:
            yield Note("budgets", shown, "known")
            continue
        if not dry:
            await _made(budget, one, store, now)
        yield Note("budgets", shown, *(("carried", "") if kind == "key" else ("changed", WIDER)))


async def _made(budget: Budget, one: PlannedBudget, store: Place, now: float) -> None:
    """What is used comes first: an import that is cut off between the two says it again, which is said once."""
    assert store.ledger is not None
    assert store.budgets is not None
    grant = Grant(one.key, budget.owner, "used", one.used, "spent before the import", ACTOR)
    with suppress(Conflict):  # another amount was said by an import that was cut off
        await store.ledger.grant(grant, budget.terms(now))
    await store.budgets.put(budget)


def _all(plan: Plan, ids: Ids) -> Iterator[tuple[Kind, str | None, str, PlannedBudget]]:
    """For whom, the store's id, the name there."""
    for group in plan.groups:
        for one in group.budgets:
            yield "group", ids.groups.get(group.subject), group.name, one
    for user in plan.users:
        for one in user.budgets:
            yield "user", ids.users.get(user.subject), user.name, one
    for key in plan.keys:
        for one in key.budgets:
            yield "key", ids.keys.get(key.digest), key.label, one
