"""Models that a key may call, of what LiteLLM wrote for it, its team and its user.

Source: LiteLLM `litellm/proxy/_types.py`, `SpecialModelNames`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway import Scopes

ALL = frozenset({"all-proxy-models", "*"})
OF_TEAM = "all-team-models"
NOTHING = "no-default-models"
"""Also what stands in a scope that allows nothing: no model is named so."""
Groups = Mapping[str, Sequence[str]]


def allowed(own: Sequence[str], above: Sequence[Sequence[str]], groups: Groups) -> tuple[str, ...]:
    """Patterns; none for everything. above: of the team, the organisation, the user. groups: models by access group."""
    found = _patterns(own, groups)
    for one in above:
        found = _both(found, _patterns(one, groups))
    return () if found is None else tuple(dict.fromkeys(found)) or (NOTHING,)


def _patterns(given: Sequence[str], groups: Groups) -> list[str] | None:
    """None for everything."""
    if not given or OF_TEAM in given or ALL & set(given):
        return None
    return [model for name in given for model in groups.get(name, (name,)) if name != NOTHING]


def _both(one: list[str] | None, other: list[str] | None) -> list[str] | None:
    """What both allow; a pattern counts where the other has it, or a wider one."""
    if one is None or other is None:
        return other if one is None else one
    return [name for name in one if _fits(name, other)] + [name for name in other if _fits(name, one)]


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return bool(patterns) and Scopes(models=tuple(patterns)).allow_model(name, "")
