"""Approval: whether a call of a tool is made. Source: danny-avila/agents, `createToolPolicyHook`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from .run_settings import ToolApproval

Matches = Callable[[str], object]
ASKED = "it needs the approval of a person, and nobody can be asked here."
DENIED = "it is not allowed here."


class Approval:
    def __init__(self, rules: ToolApproval) -> None:
        self._rules = rules
        self._denied, self._allowed, self._asked = map(_matcher, (rules.deny, rules.allow, rules.ask))

    def refusal(self, tool: str) -> str | None:
        """Why the call is not made; None where it is."""
        rules = self._rules
        if not rules.enabled:
            return None
        if self._denied(tool):
            return self._words(tool, DENIED)
        if rules.mode == "bypass" or self._allowed(tool):
            return None
        if self._asked(tool) or rules.mode == "default":
            return self._words(tool, ASKED)
        return self._words(tool, DENIED)

    def _words(self, tool: str, otherwise: str) -> str:
        return self._rules.reason.replace("{tool}", tool) or otherwise


def _matcher(patterns: Sequence[str]) -> Matches:
    """Anchored; `*` stands for anything, and everything else for itself."""
    if not patterns:
        return lambda tool: None
    forms = (".*".join(map(re.escape, pattern.split("*"))) for pattern in patterns)
    return re.compile("|".join(forms), re.DOTALL).fullmatch
