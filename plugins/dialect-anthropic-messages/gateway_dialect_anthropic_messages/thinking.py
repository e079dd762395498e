"""`thinking` and `output_config`: how much to think, both ways.

A budget is the vendor's `budget_tokens`, 0 is `disabled`, -1 is `adaptive`. An effort is `output_config.effort`, with
which the model decides how much to think. Older models know budgets alone (`Quirks.reasoning_format` is `object`);
there an effort becomes the budget of the table, and elsewhere another dialect's budget becomes the effort.
"""

from __future__ import annotations

from gateway import Call, ReasoningOptions, Target
from gateway.wire import jsontext
from gateway.wire.efforts import budget_of, nearest
from gateway.wire.jsontext import Members as Object
from gateway.wire.losses import Loss
from gateway.wire.members import INTEGER, TEXT, Members

LEAST = 1024
"""The least budget that the vendor takes."""
_DISPLAYS = {"omitted": "none", "summarized": "auto"}


def read(members: Members) -> ReasoningOptions:
    """Takes `thinking` and what is known of `output_config`; what is left of them is put back."""
    options = ReasoningOptions()
    config = members.inner("output_config")
    if config is not None:
        options.effort = config.take("effort", TEXT)
        if rest := config.given():
            members.put("output_config", jsontext.raw(rest))
    _read_thinking(members, options)
    return options


def _read_thinking(members: Members, options: ReasoningOptions) -> None:
    thinking = members.inner("thinking")
    if thinking is None:
        return
    whole = thinking.given()
    kind = thinking.need("type", TEXT)
    if kind == "enabled":
        options.budget = thinking.need("budget_tokens", INTEGER)
    elif kind in ("adaptive", "disabled"):
        options.budget = -1 if kind == "adaptive" else 0
    else:
        members.put("thinking", jsontext.raw(whole))
        return
    display = thinking.take("display", TEXT)
    options.summary = _DISPLAYS.get(display) if display is not None else None
    if display is not None and options.summary is None:
        thinking.put("display", whole["display"])
    if rest := thinking.given():
        members.put("thinking", jsontext.raw(rest))


def write(call: Call, target: Target, loss: Loss) -> tuple[Object, str | None]:
    """`thinking`, empty for none, and the effort."""
    options = call.reasoning
    if loss.own:
        return _shown(_thinking(options.budget), options), _effort(options.effort)
    budget, effort = options.budget, options.effort
    if effort == "none" or budget == 0:
        return {"type": "disabled"}, None
    if effort is None and budget is None:
        if options.summary not in (None, "none"):
            loss.add("reasoning.summary")
        return {}, None
    match target.quirks.reasoning_format:
        case "none":
            loss.add("reasoning")
            return {}, None
        case "object":
            return _budgeted(call, effort, budget, loss), None
    effort = effort or (nearest(budget) if budget is not None and budget > 0 else None)
    return _shown(_thinking(-1), options), _effort(effort)


def fitting(budget: int, most: int | None) -> int | None:
    """The budget, lower where it would leave nothing of `max_tokens`; None where even the least one would not."""
    budget = max(budget, LEAST)
    if most is None or budget < most:
        return budget
    return most - 1 if most > LEAST else None


def effort_word(effort: str) -> str:
    """The vendor's word for an effort."""
    return "low" if effort == "minimal" else effort


def _budgeted(call: Call, effort: str | None, budget: int | None, loss: Loss) -> Object:
    wanted = budget if budget is not None and budget > 0 else budget_of(effort or "medium")
    found = fitting(wanted, call.limits.max_output)
    if found is None:
        loss.add("reasoning")
        return {}
    return {"type": "enabled", "budget_tokens": found}


def _thinking(budget: int | None) -> Object:
    if budget is None:
        return {}
    if budget == 0:
        return {"type": "disabled"}
    return {"type": "adaptive"} if budget < 0 else {"type": "enabled", "budget_tokens": budget}


def _shown(thinking: Object, options: ReasoningOptions) -> Object:
    if not thinking or options.summary is None or thinking["type"] == "disabled":
        return thinking
    return thinking | {"display": "omitted" if options.summary == "none" else "summarized"}


def _effort(effort: str | None) -> str | None:
    return effort_word(effort) if effort is not None and effort != "none" else None
