"""A Call to the body of a request to LibreChat, and what LibreChat would ignore of it.

Stored conversations are LibreChat's Responses' alone, so a call that names one, or asks to be stored, goes to
`/responses`; every other goes to `/chat/completions`, which tells more of what goes wrong.
"""

from __future__ import annotations

import msgspec

from gateway import Call, Encoded, Target
from gateway.wire import jsontext, rounds
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from .names import CHAT, EXTRAS, RESPONSES
from .write_items import items
from .write_messages import messages


def encode(call: Call, target: Target) -> Encoded:
    """Members that are null are refused by LibreChat, so none is written."""
    call = msgspec.structs.replace(call, messages=rounds.known(call.messages, target.endpoint))
    loss = Loss()
    state = call.state
    stored = state.previous_response_id or state.conversation
    members: Members = {"model": target.model}
    if stored or state.store:
        path = RESPONSES
        members["input"] = items(call, loss)
        members |= jsontext.given({"previous_response_id": stored, "store": state.store or None})
    else:
        path = CHAT
        members["messages"] = messages(call, loss)
    if call.stream:
        members["stream"] = True
    members |= {name: call.extra[name] for name in EXTRAS if name in call.extra}
    loss.lose(call.extra, known=EXTRAS)
    _ignored(call, loss)
    return Encoded(path, jsontext.encode(members), loss=tuple(loss.paths))


def _ignored(call: Call, loss: Loss) -> None:
    """Agents have their own tools and parameters; LibreChat reads neither out of a call."""
    sampling, limits, reasoning = call.sampling, call.limits, call.reasoning
    effort = reasoning.effort or reasoning.budget is not None or reasoning.summary not in (None, "none")
    loss.unsaid(
        {
            "tools": call.tools,
            "tool_choice": call.tools and call.tool_choice is not None,
            "parallel_tool_calls": call.tools and call.parallel_tool_calls is False,
            "temperature": sampling.temperature is not None,
            "top_p": sampling.top_p is not None,
            "top_k": sampling.top_k is not None,
            "frequency_penalty": sampling.frequency_penalty is not None,
            "presence_penalty": sampling.presence_penalty is not None,
            "seed": sampling.seed is not None,
            "stop": sampling.stop,
            "logit_bias": sampling.logit_bias is not None,
            "n": (sampling.choices or 1) > 1,
            "logprobs": sampling.logprobs or sampling.top_logprobs is not None,
            "max_output_tokens": limits.max_output is not None,
            "max_tool_calls": limits.max_tool_calls is not None,
            "truncation": limits.truncation not in (None, "disabled"),
            "response_format": call.output_format is not None and call.output_format.kind != "text",
            "reasoning": effort,
            "verbosity": call.verbosity,
            "background": call.state.background,
            "metadata": call.metadata,
            "user": call.user,
            "safety_identifier": call.safety_identifier,
            "prompt_cache_key": call.prompt_cache_key,
            "service_tier": call.service_tier not in (None, "auto", "default"),
        }
    )
