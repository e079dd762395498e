"""A Call to the body of a request, and what is lost on the way. Only members that the call has are written.

`max_tokens` must be there. Where the call has none it is `OUTPUT` more than the budget of thinking, and no more than is
known of the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway import Call, Encoded, Extra, Target
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import thinking, tools, turns, versions
from .names import NAME

PATH = "/messages"
COUNT_PATH = "/messages/count_tokens"
OUTPUT = 8192
COUNTED = frozenset(
    (
        "anthropic_version",
        "billing_policy",
        "cache_control",
        "compaction",
        "context_management",
        "mcp_servers",
        "messages",
        "model",
        "output_config",
        "speed",
        "system",
        "thinking",
        "tool_choice",
        "tools",
        "user_profile_id",
        "workspace_id",
    )
)
"""Members that a count of tokens takes; it refuses others. The first is for clouds that have the version there."""
TIERS: Mapping[str, str] = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
_BETAS = re.compile(r"[\w.,; =-]{1,2000}", re.ASCII)


def write(call: Call, target: Target) -> Encoded:
    body, loss, betas = _body(call, target)
    headers = versions.headers(body, None, betas)
    return Encoded(PATH, jsontext.encode(body), headers=headers, loss=tuple(loss.paths))


def write_count(call: Call, target: Target) -> Encoded:
    """What a count has no place for does not change it, so it is no loss. Nobody amends it later, as other calls."""
    body, _, betas = _body(call, target)
    body |= target.set
    counted = {name: value for name, value in body.items() if name in COUNTED and name not in target.drop}
    return Encoded(COUNT_PATH, jsontext.encode(counted), headers=versions.headers(counted, None, betas))


def _body(call: Call, target: Target) -> tuple[Members, Loss, str | None]:
    loss = Loss(own=call.dialect == NAME)
    extra = dict(loss.keep(call.extra, ""))
    betas = _betas(extra, loss)
    thought, effort = thinking.write(call, target, loss)
    members: Members = {"model": target.model, "max_tokens": _most(call, target, thought)}
    members |= turns.write(call, target, loss)
    members |= tools.write(call, loss)
    members |= _sampling(call, bool(thought) and thought["type"] != "disabled", loss)
    if call.stream:
        members["stream"] = True
    if thought:
        members["thinking"] = thought
    members |= _config(call, effort, loss)
    members |= _account(call, loss)
    _unheard(call, loss)
    body = jsontext.merged(members, extra)
    for name in [name for name in body if name in target.quirks.refused]:
        del body[name]
        loss.add(name)
    return body, loss, betas


def _most(call: Call, target: Target, thought: Members) -> int:
    if call.limits.max_output is not None:
        return call.limits.max_output
    facts = target.provider.facts(target.model)
    budget = thought.get("budget_tokens")
    most = OUTPUT + (budget if isinstance(budget, int) else 0)
    return min(most, facts.max_output) if facts is not None and facts.max_output else most


def _sampling(call: Call, thinks: bool, loss: Loss) -> Members:
    """The vendor takes temperatures up to 1, and none of these of other dialects' models while it thinks."""
    sampling = call.sampling
    out: Members = {}
    for name in versions.SAMPLING:
        value = getattr(sampling, name)
        if value is None:
            continue
        if thinks and not loss.own:
            loss.add(name)
        else:
            out[name] = value
    if sampling.temperature is not None and "temperature" in out and sampling.temperature > 1 and not loss.own:
        out["temperature"] = 1.0
        loss.add("temperature")
    stops = [stop for stop in sampling.stop if loss.own or stop.strip()]
    if len(stops) < len(sampling.stop):
        loss.add("stop")
    if stops:
        out["stop_sequences"] = stops
    return out


def _config(call: Call, effort: str | None, loss: Loss) -> Members:
    """`output_config`."""
    out: Members = {} if effort is None else {"effort": effort}
    form = call.output_format
    if form is not None and form.kind == "schema":
        out["format"] = {"type": "json_schema", "schema": form.schema or {}}
        if form.description:
            loss.add("response_format.description")
    elif form is not None and form.kind == "json":
        loss.add("response_format")
    return {"output_config": out} if out else {}


def _account(call: Call, loss: Loss) -> Members:
    """A safety identifier is what this vendor's user id is for, too."""
    out: Members = {}
    user = call.user if call.user is not None else call.safety_identifier
    if user is not None:
        out["metadata"] = {"user_id": user}
    if call.user is not None and call.safety_identifier is not None:
        loss.add("safety_identifier")
    if call.service_tier is not None:
        tier = call.service_tier if loss.own else TIERS.get(call.service_tier)
        tier = TIERS.get(tier, tier) if tier is not None else None
        if tier is None:
            loss.add("service_tier")
        else:
            out["service_tier"] = tier
    return out


def _unheard(call: Call, loss: Loss) -> None:
    """What this dialect has no word for."""
    lost = {
        "n": (call.sampling.choices or 1) > 1,
        "seed": call.sampling.seed is not None,
        "frequency_penalty": call.sampling.frequency_penalty,
        "presence_penalty": call.sampling.presence_penalty,
        "logit_bias": call.sampling.logit_bias is not None,
        "logprobs": call.sampling.logprobs,
        "top_logprobs": call.sampling.top_logprobs,
        "verbosity": call.verbosity,
        "max_tool_calls": call.limits.max_tool_calls,
        "truncation": call.limits.truncation not in (None, "disabled"),
        "previous_response_id": call.state.previous_response_id,
        "conversation": call.state.conversation,
        "background": call.state.background,
        "store": call.state.store,
        "metadata": call.metadata,
        "prompt_cache_key": call.prompt_cache_key,
    }
    loss.unsaid(lost)


def _betas(extra: Extra, loss: Loss) -> str | None:
    """The client's betas ride beside the members; a header is what they go out as."""
    value = extra.pop(versions.BETA, None)
    if value is None:
        return None
    found = jsontext.loaded(value)
    if isinstance(found, str) and _BETAS.fullmatch(found):
        return found
    loss.add(versions.BETA)
    return None
