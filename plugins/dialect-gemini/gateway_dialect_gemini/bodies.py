"""A Call to the body of a request, and what is lost on the way. Only members that the call has are written."""

from __future__ import annotations

from gateway import Call, Encoded, Extra, Target, Tool, ToolChoice
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import names, options
from .fields import nested
from .turns import Turns

SSE = {"alt": "sse"}
TIERS = {"default": "standard", "flex": "flex", "priority": "priority"}


def encode(call: Call, target: Target) -> Encoded:
    body, loss = members(call, target)
    verb = names.STREAM if call.stream else names.GENERATE
    path = names.path(target.model, verb)
    return Encoded(path, jsontext.encode(body), SSE if call.stream else {}, loss=tuple(loss.paths))


def members(call: Call, target: Target) -> tuple[Extra, Loss]:
    """With what the operator sets and drops."""
    loss = Loss(own=call.dialect == names.NAME)
    turns = Turns(target, loss)
    turns.write(call.system, call.messages)
    body: Members = {"contents": turns.contents}
    if turns.system:
        body["systemInstruction"] = {"parts": turns.system}
    body |= _tools(call, loss)
    if config := options.config(call, target, loss):
        body["generationConfig"] = config
    if tier := _tier(call, loss):
        body["serviceTier"] = tier
    _unheard(call, loss)
    more = {name: jsontext.raw(value) for name, value in nested(loss.keep(call.extra, "")).items()}
    out = {name: jsontext.raw(value) for name, value in jsontext.merged(body, more).items()}
    out |= target.set
    for name in target.drop:
        out.pop(name, None)
    return out, loss


def _tools(call: Call, loss: Loss) -> Members:
    declared, hosted = [], []
    for at, tool in enumerate(call.tools):
        if tool.kind == "function":
            declared.append(_declared(tool, f"tools[{at}]", loss))
        elif tool.kind == "hosted" and loss.own:
            hosted.append(nested(tool.extra))
        else:
            loss.add(f"tools[{at}]")
    tools: list[object] = [{"functionDeclarations": declared}] if declared else []
    out: Members = {"tools": tools + hosted} if tools or hosted else {}
    if call.tool_choice is not None and (declared or loss.own):
        out["toolConfig"] = {"functionCallingConfig": _choice(call.tool_choice)}
    if call.parallel_tool_calls is False:
        loss.add("parallel_tool_calls")
    return out


def _declared(tool: Tool, path: str, loss: Loss) -> Members:
    """`parametersJsonSchema` takes JSON Schema as it is; `parameters` would take a part of it."""
    if tool.strict:
        loss.add(f"{path}.strict")
    function: Members = {
        "name": tool.name,
        "description": tool.description,
        "parametersJsonSchema": tool.parameters,
    }
    return jsontext.merged(options.given(function), loss.keep(tool.extra, path))


def _choice(choice: ToolChoice) -> Members:
    """A choice among some tools that leaves it open whether to call one is VALIDATED; AUTO takes no names."""
    named: Members = {"allowedFunctionNames": list(choice.names)}
    match choice.mode:
        case "auto" | "none":
            return {"mode": choice.mode.upper()}
        case "required":
            return {"mode": "ANY"}
        case "tool":
            return {"mode": "ANY", **named}
        case "allowed":
            return {"mode": "ANY" if choice.required else "VALIDATED", **named}


def _tier(call: Call, loss: Loss) -> str | None:
    """Google's own words pass to it; `auto` is what it does without one."""
    tier = call.service_tier
    if tier is None or tier == "auto":
        return None
    if tier not in TIERS and not loss.own:
        loss.add("service_tier")
        return None
    return TIERS.get(tier, tier)


def _unheard(call: Call, loss: Loss) -> None:
    """What this dialect has no word for. `metadata` is no `labels`: those are for bills, of few characters."""
    lost: dict[str, object] = {
        "max_tool_calls": call.limits.max_tool_calls,
        "truncation": call.limits.truncation not in (None, "disabled"),
        "verbosity": call.verbosity,
        "previous_response_id": call.state.previous_response_id,
        "conversation": call.state.conversation,
        "store": call.state.store,
        "background": call.state.background,
        "metadata": call.metadata,
        "user": call.user,
        "safety_identifier": call.safety_identifier,
        "prompt_cache_key": call.prompt_cache_key,
    }
    loss.unsaid(lost)
