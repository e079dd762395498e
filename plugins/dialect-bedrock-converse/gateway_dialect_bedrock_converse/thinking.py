"""How much to think, and what else a family takes in `additionalModelRequestFields`.

Sources: Amazon Bedrock user guide, "Extended thinking", "Adaptive thinking" and the model parameters of Nova 2,
gpt-oss, DeepSeek and GLM.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from gateway import Call
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from .families import Family

BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 24576, "max": 32000}
LEAST_BUDGET = 1024
_LEVELS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_ADAPTIVE = {"minimal": "low"}
Wanted = Literal["off", "on", "unsaid"]


class Thoughts(NamedTuple):
    """fields: for `additionalModelRequestFields`. effort: for `outputConfig`. on: Claude thinks, so it takes no
    sampling.
    """

    fields: Members
    effort: str | None = None
    on: bool = False


def write(call: Call, family: Family, loss: Loss, *, forced: bool, unsigned: bool) -> Thoughts:
    """forced: a tool must be called. unsigned: the last turn called tools without thoughts that can be sent back.

    Claude refuses to think in either case.
    """
    wanted = _wanted(call)
    if family.reasoning in ("budget", "adaptive"):
        if wanted == "on" and (forced or (unsigned and family.reasoning == "budget")):
            _lose(call, loss)
            return Thoughts({})
        return _budget(call, wanted, loss) if family.reasoning == "budget" else _adaptive(call, wanted, loss)
    return Thoughts(_level(call, family, wanted, loss))


def _wanted(call: Call) -> Wanted:
    effort, budget = call.reasoning.effort, call.reasoning.budget
    if effort == "none" or (effort is None and budget == 0):
        return "off"
    return "unsaid" if effort is None and budget is None else "on"


def _lose(call: Call, loss: Loss) -> None:
    for name in ("effort", "budget", "summary"):
        if getattr(call.reasoning, name) is not None:
            loss.add(f"reasoning.{name}")


def _budget(call: Call, wanted: Wanted, loss: Loss) -> Thoughts:
    """Claude up to 4.5: tokens, fewer than those of the whole reply."""
    if call.reasoning.summary == "none" and wanted == "on":
        loss.add("reasoning.summary")
    if wanted != "on":
        return Thoughts({})
    asked = call.reasoning.budget if (call.reasoning.budget or 0) > 0 else None
    tokens = max(asked or BUDGETS.get(call.reasoning.effort or "", BUDGETS["medium"]), LEAST_BUDGET)
    most = call.limits.max_output
    if most is not None and tokens >= most:
        tokens = most // 2
        if asked is not None or tokens < LEAST_BUDGET:
            _lose(call, loss)
        if tokens < LEAST_BUDGET:
            return Thoughts({})
    return Thoughts({"thinking": {"type": "enabled", "budget_tokens": tokens}}, on=True)


def _adaptive(call: Call, wanted: Wanted, loss: Loss) -> Thoughts:
    """Claude from 4.6 on decides by itself how much; an effort guides it."""
    if wanted == "unsaid":
        return Thoughts({})
    if wanted == "off":
        return Thoughts({"thinking": {"type": "disabled"}})
    thinking: Members = {"type": "adaptive"}
    if call.reasoning.summary is not None:
        thinking["display"] = "omitted" if call.reasoning.summary == "none" else "summarized"
    if (call.reasoning.budget or 0) > 0:
        loss.add("reasoning.budget")
    effort = call.reasoning.effort
    return Thoughts({"thinking": thinking}, _ADAPTIVE.get(effort, effort) if effort else None, on=True)


def _level(call: Call, family: Family, wanted: Wanted, loss: Loss) -> Members:
    """Families with a few levels; a budget is loss to them."""
    if family.reasoning == "none" or (wanted == "off" and family.reasoning == "effort"):
        if wanted == "on" or (wanted == "off" and family.reasoning == "effort"):
            _lose(call, loss)
        return {}
    if wanted != "on":
        return {"reasoningConfig": {"type": "disabled"}} if wanted == "off" and family.reasoning == "nova" else {}
    if (call.reasoning.budget or 0) > 0:
        loss.add("reasoning.budget")
    if call.reasoning.summary == "none":
        loss.add("reasoning.summary")
    level = _LEVELS.get(call.reasoning.effort or "", "medium")
    if family.reasoning == "nova":
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": level}}
    return {"reasoning_effort" if family.reasoning == "effort" else "reasoning_config": level}
