"""How much a model is to think, as a word or as tokens: each where a dialect knows only the other.

The tokens of a word are our own choice, between what vendors name for theirs; a limit the upstream sets comes on top.
"""

from __future__ import annotations

from ..call import ReasoningOptions

BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 24576, "max": 32000}


def nearest(budget: int) -> str:
    """The least effort whose tokens are enough."""
    return next((effort for effort, tokens in BUDGETS.items() if tokens >= budget and effort != "minimal"), "max")


def budget_of(effort: str) -> int:
    return BUDGETS.get(effort, BUDGETS["medium"])


def effort_of(options: ReasoningOptions) -> str | None:
    """The word, where it was said; else the one for the budget. A budget that is left to the model needs none; one of
    nothing has none that all models take.
    """
    if options.effort is not None or options.budget is None or options.budget <= 0:
        return options.effort
    return nearest(options.budget)


def is_lost(options: ReasoningOptions) -> bool:
    """Whether a dialect that has only words loses the budget: tokens beside a word, or not to think at all."""
    if options.budget is None or options.budget < 0:
        return False
    return options.effort is not None if options.budget else options.effort != "none"
