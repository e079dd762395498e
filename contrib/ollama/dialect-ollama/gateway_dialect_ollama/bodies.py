"""A Call to the body of POST /api/chat, and what is lost on the way. Only members that the call has are written."""

from __future__ import annotations

from gateway import Call, Encoded, Extra, Target
from gateway.wire import jsontext
from gateway.wire.jsontext import Members as Object
from gateway.wire.losses import Loss

from . import options, tools
from .names import CHAT, NAME
from .turns import messages

HERE_ONLY = ("suffix", "template", "raw", "context", "_debug_render_only")
"""Members of POST /api/generate, and the one that shows what instructions a model has; neither goes out."""


def encode(call: Call, target: Target) -> Encoded:
    loss = Loss(own=call.dialect == NAME)
    members: Object = {"model": target.model, "messages": messages(call, loss)}
    members |= tools.write(call, loss)
    members |= {"stream": call.stream} | options.write(call, loss)
    _unheard(call, loss)
    members = _merged(members, options.nested(loss.keep(_sendable(call.extra, loss))))
    for name in target.quirks.refused & members.keys():
        del members[name]
        loss.add(name)
    return Encoded(CHAT, jsontext.encode(members), loss=tuple(loss.paths))


def _merged(members: Object, more: Object) -> Object:
    out = members | more
    for name, value in more.items():
        known = members.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            out[name] = known | value
    return out


def _sendable(extra: Extra, loss: Loss) -> Extra:
    for name in HERE_ONLY:
        if name in extra:
            loss.add(name)
    return {name: value for name, value in extra.items() if name not in HERE_ONLY}


def _unheard(call: Call, loss: Loss) -> None:
    """What this dialect has no word for."""
    lost = {
        "n": (call.sampling.choices or 1) > 1,
        "logit_bias": call.sampling.logit_bias,
        "max_tool_calls": call.limits.max_tool_calls,
        "truncation": call.limits.truncation == "disabled",
        "verbosity": call.verbosity,
        "previous_response_id": call.state.previous_response_id,
        "conversation": call.state.conversation,
        "store": call.state.store,
        "background": call.state.background,
        "metadata": call.metadata,
        "user": call.user,
        "safety_identifier": call.safety_identifier,
        "prompt_cache_key": call.prompt_cache_key,
        "service_tier": call.service_tier not in (None, "auto", "default"),
    }
    loss.unsaid(lost)
