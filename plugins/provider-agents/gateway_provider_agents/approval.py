"""Approval: whether a call of a tool is made. Source: danny-avila/agents, `createToolPolicyHook`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway import ServerTool, ServerTools

from .run_settings import ToolApproval

Matches = Callable[[str], object]
Verdict = Literal["make", "ask", "refuse"]
ASKED = "it needs the approval of a person, and nobody can be asked here."
DENIED = "it is not allowed here."
REJECTED = "the person who was asked did not approve of it."


class Approval:
    """What the operator says, whoever calls."""

    def __init__(self, rules: ToolApproval) -> None:
        self._rules = rules
        self._denied, self._allowed, self._asked = map(_matcher, (rules.deny, rules.allow, rules.ask))

    def verdict(self, tool: str) -> Verdict:
        rules = self._rules
        if not rules.enabled:
            return "make"
        if self._denied(tool):
            return "refuse"
        if rules.mode == "bypass" or self._allowed(tool):
            return "make"
        return "ask" if self._asked(tool) or rules.mode == "default" else "refuse"

    def words(self, tool: str, verdict: Verdict) -> str:
        """Why a call is not made that would have to be asked about, or that is refused."""
        return self._rules.reason.replace("{tool}", tool) or (ASKED if verdict == "ask" else DENIED)


@dataclass(frozen=True, slots=True)
class Rules:
    """For one run. asks: whether its client can be asked. wishes: the client's own, which only ask for more."""

    approval: Approval
    asks: bool = False
    wishes: Sequence[ServerTools] = ()

    def verdict(self, tool: ServerTool) -> Verdict:
        found = self.approval.verdict(tool.name)
        return "ask" if found == "make" and any(_wishes(one, tool) for one in self.wishes) else found

    def is_asked(self, tool: ServerTool) -> bool:
        return self.asks and self.verdict(tool) == "ask"

    def refusal(self, tool: ServerTool, approved: bool = False) -> str | None:
        """Why its call is not made now; None where it is. approved: a person has approved of it."""
        found = self.verdict(tool)
        if found == "make" or (found == "ask" and approved):
            return None
        return self.approval.words(tool.name, found)


def _wishes(server: ServerTools, tool: ServerTool) -> bool:
    return server.label == tool.label and server.asks(tool.original or tool.name, tool.read_only)


def _matcher(patterns: Sequence[str]) -> Matches:
    """Anchored; `*` stands for anything, and everything else for itself."""
    if not patterns:
        return lambda tool: None
    forms = (".*".join(map(re.escape, pattern.split("*"))) for pattern in patterns)
    return re.compile("|".join(forms), re.DOTALL).fullmatch
