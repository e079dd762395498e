"""Budgets of a key's own, as they are asked for with it: `5/day` is `gateway budgets set key:… --usd 5 --per day`.

Whatever keeps budgets here keeps these, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway import BadCall, Budget, Store
from gateway.money import in_usd, nano_of_usd, window_of

FORM = "AMOUNT[/WINDOW]"


def budgets_of(texts: Iterable[str]) -> Sequence[Budget]:
    """Raises BadCall, also for two that would be one."""
    found: dict[str, Budget] = {}
    for text in texts:
        budget = _budget(text)
        if budget.name in found:
            raise BadCall(f"{text!r} has the window of another one; a key has one budget for each.", param="budgets")
        found[budget.name] = budget
    return list(found.values())


async def kept_of(store: Store, key_id: str) -> Sequence[Budget]:
    """Those that the store has for a key."""
    if store.budgets is None:
        return ()
    return [one for one in await store.budgets.list() if (one.kind, one.subject) == ("key", key_id)]


def in_words(budgets: Iterable[Budget]) -> str:
    return ", ".join(f"USD {in_usd(one.amount)} {one.window.words}" for one in budgets)


def _budget(text: str) -> Budget:
    amount, slash, window = text.partition("/")
    try:
        nano = nano_of_usd(amount.strip().replace("_", "").replace(",", ""))
        if nano < 0:
            raise ValueError("nobody can spend less than nothing")
        return Budget("key", "", nano, window_of(window if slash else "none"))
    except ValueError as error:
        raise BadCall(f"{text[:40]!r} is no budget ({FORM}, in USD, as 5/day): {error}.", param="budgets") from error
