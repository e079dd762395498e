"""A Call to the body of a request, and what is lost on the way. Only members that the call has are written."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Call, Encoded, Extra, OutputFormat, ReasoningOptions, Sampling, Target, Tool, ToolChoice
from gateway.wire import efforts, jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import quirks
from .edits import PATH, ask_usage, set_and_drop
from .proofs import NAME
from .turns import messages


def encode(call: Call, target: Target) -> Encoded:
    loss = Loss(own=call.dialect == NAME)
    members: Members = {"model": target.model, "messages": messages(call, target, loss)}
    members |= _tools(call, loss)
    members |= _sampling(call.sampling, loss)
    members |= _options(call, target, loss)
    _unheard(call, target, loss)
    members = jsontext.merged(members, loss.keep(call.extra, ""))
    body: Extra = {name: jsontext.raw(value) for name, value in members.items()}
    for path in quirks.fit(body, target):
        loss.add(path)
    set_and_drop(body, None, target)
    asked = ask_usage(body, target)
    if call.stream and call.stream_usage and not asked:
        loss.add("stream_options.include_usage")
    return Encoded(PATH, jsontext.encode(body), loss=tuple(loss.paths), usage_asked=asked and not call.stream_usage)


def _tools(call: Call, loss: Loss) -> Members:
    """OpenAI refuses a choice among no tools, which other dialects allow."""
    tools = [tool for at, one in enumerate(call.tools) if (tool := _tool(one, f"tools[{at}]", loss))]
    out: Members = {}
    if tools:
        out["tools"] = tools
    if not tools and not loss.own:
        return out
    if call.tool_choice is not None:
        out["tool_choice"] = _choice(call.tool_choice, call.tools)
    if call.parallel_tool_calls is not None:
        out["parallel_tool_calls"] = call.parallel_tool_calls
    return out


def _tool(tool: Tool, path: str, loss: Loss) -> Members | None:
    if tool.kind == "hosted":
        if not loss.own:
            loss.add(path)
            return None
        return dict(tool.extra)
    extra = loss.keep(tool.extra, path)
    if tool.kind == "custom":
        form = {"type": "grammar", "grammar": tool.grammar} if tool.grammar is not None else None
        custom = jsontext.given({"name": tool.name, "description": tool.description, "format": form})
        return jsontext.merged({"type": "custom", "custom": custom}, extra)
    function: Members = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": tool.strict,
    }
    return jsontext.merged({"type": "function", "function": jsontext.given(function)}, extra)


def _choice(choice: ToolChoice, declared: Sequence[Tool]) -> Members | str:
    """What sort of tool a name stands for, its declaration says."""
    kinds: dict[str, str] = {tool.name: tool.kind for tool in declared if tool.kind != "hosted"}
    if choice.mode not in ("tool", "allowed"):
        return choice.mode
    tools = [
        _named(name, kinds.get(name, "function") if choice.kind == "function" else "custom") for name in choice.names
    ]
    if choice.mode == "tool":
        return tools[0]
    mode = "required" if choice.required else "auto"
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def _named(name: str, kind: str) -> Members:
    return {"type": kind, kind: {"name": name}}


def _sampling(sampling: Sampling, loss: Loss) -> Members:
    """`top_k` is for upstreams that the client knows to take it; `top_logprobs` needs `logprobs` beside it."""
    top_k = sampling.top_k if loss.own else None
    if sampling.top_k is not None and top_k is None:
        loss.add("top_k")
    top_logprobs = sampling.top_logprobs if loss.own or sampling.logprobs else None
    return jsontext.given(
        {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": top_k,
            "frequency_penalty": sampling.frequency_penalty,
            "presence_penalty": sampling.presence_penalty,
            "seed": sampling.seed,
            "stop": list(sampling.stop) or None,
            "logit_bias": sampling.logit_bias,
            "n": sampling.choices,
            "logprobs": sampling.logprobs,
            "top_logprobs": top_logprobs,
        }
    )


def _options(call: Call, target: Target, loss: Loss) -> Members:
    """`store` and `metadata` mean a log of OpenAI's here, and other things in other dialects."""
    return jsontext.given(
        {
            quirks.maximum(target): call.limits.max_output,
            "response_format": _format(call.output_format) if call.output_format else None,
            **_reasoning(call, target, loss),
            "verbosity": call.verbosity,
            "stream": call.stream or None,
            "store": call.state.store if loss.own else None,
            "metadata": (call.metadata or None) if loss.own else None,
            "user": call.user,
            "safety_identifier": call.safety_identifier,
            "prompt_cache_key": call.prompt_cache_key,
            "service_tier": call.service_tier,
        }
    )


def _reasoning(call: Call, target: Target, loss: Loss) -> Members:
    """OpenRouter's object says more than an effort; it takes an effort or a budget."""
    wanted = call.reasoning
    if not _as_object(call, target, loss):
        return {quirks.EFFORT: efforts.effort_of(wanted)}
    out: Members = {"effort": wanted.effort}
    if wanted.budget is not None and wanted.effort is None:
        out |= {"max_tokens": wanted.budget} if wanted.budget > 0 else {"enabled": wanted.budget < 0}
    out["exclude"] = True if wanted.summary == "none" else None
    return {quirks.OBJECT: jsontext.given(out) or None}


def _as_object(call: Call, target: Target, loss: Loss) -> bool:
    """A client of this dialect that said more than an effort knows that its upstream takes it."""
    form = target.quirks.reasoning_format
    more = call.reasoning.budget is not None or call.reasoning.summary == "none"
    return form == "object" or (form == "effort" and loss.own and more)


def _format(wanted: OutputFormat) -> Members:
    if wanted.kind != "schema":
        return {"type": "json_object" if wanted.kind == "json" else "text"}
    schema: Members = {
        "name": wanted.name or "response",
        "description": wanted.description,
        "schema": wanted.schema,
        "strict": wanted.strict,
    }
    return {"type": "json_schema", "json_schema": jsontext.given(schema)}


def _budget_is_lost(wanted: ReasoningOptions, told: bool) -> bool:
    """told: in OpenRouter's object, which has a place for it where no effort stands."""
    if told:
        return wanted.budget is not None and wanted.effort is not None and wanted.budget >= 0
    return efforts.is_lost(wanted)


def _unheard(call: Call, target: Target, loss: Loss) -> None:
    """What this dialect has no word for."""
    wanted, told = call.reasoning, _as_object(call, target, loss)
    lost = {
        "reasoning.summary": wanted.summary and not (told and wanted.summary == "none"),
        "reasoning.budget": _budget_is_lost(wanted, told),
        "max_tool_calls": call.limits.max_tool_calls,
        "truncation": call.limits.truncation not in (None, "disabled"),
        "previous_response_id": call.state.previous_response_id,
        "conversation": call.state.conversation,
        "background": call.state.background,
        "store": call.state.store and not loss.own,
        "metadata": call.metadata and not loss.own,
    }
    loss.unsaid(lost)
