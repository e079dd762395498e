"""A Call to the body of a request, and what is lost on the way. Only members that the call has are written.

Source: the service model of bedrock-runtime, ConverseRequest and ConverseStreamRequest.
"""

from __future__ import annotations

import re

from gateway import Call, Encoded, OutputFormat, Target
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import thinking, tools, turns
from .contents import CACHED
from .families import Family
from .names import NAME, model_path

WHOLE, STREAM = "converse", "converse-stream"
STOP_FIELD = "/stop_sequence"
TIERS = {
    "default": "default",
    "standard_only": "default",
    "priority": "priority",
    "flex": "flex",
    "reserved": "reserved",
}
"""Names of service tiers in other dialects too; `auto` is what Bedrock does unasked."""
MOST_METADATA = 16
_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}")


def encode(call: Call, target: Target, family: Family) -> Encoded:
    loss = Loss(own=call.dialect == NAME)
    written = turns.write(call, target.state_domain, family, loss)
    configured = tools.write(call, family, loss)
    members: Members = {"messages": written.messages, "system": written.system, "toolConfig": configured}
    thoughts = thinking.write(call, family, loss, forced=_forced(configured), unsigned=written.unsigned)
    samples = loss.own or (family.sampling and not thoughts.on)
    members["inferenceConfig"] = _inference(call, samples, family.both or loss.own, loss)
    members["additionalModelRequestFields"] = thoughts.fields | _top_k(call, family, samples, loss)
    members["outputConfig"] = _output(call, family, thoughts.effort, loss)
    members |= _options(call, family, loss)
    _unheard(call, loss)
    given: Members = {name: value for name, value in members.items() if value not in (None, [], {})}
    body = jsontext.merged(given, loss.keep(call.extra, "", CACHED))
    path = model_path(target.model, STREAM if call.stream else WHOLE)
    return Encoded(path, jsontext.encode(body), loss=tuple(loss.paths))


def _forced(configured: Members) -> bool:
    choice = configured.get("toolChoice")
    return isinstance(choice, dict) and "auto" not in choice


def _inference(call: Call, samples: bool, both: bool, loss: Loss) -> Members:
    """samples: whether sampling can be told; a temperature of 1 is none. both: temperature and top_p together.

    Above 1 Bedrock takes no temperature.
    """
    sampling = call.sampling
    temperature, top_p = sampling.temperature, sampling.top_p
    if not samples:
        if temperature not in (None, 1):
            loss.add("temperature")
        if top_p not in (None, 1):
            loss.add("top_p")
        temperature = top_p = None
    elif temperature is not None and temperature > 1 and not loss.own:
        loss.add("temperature")
        temperature = 1.0
    if temperature is not None and top_p is not None and not both:
        if top_p != 1:
            loss.add("top_p")
        top_p = None
    return given(
        {
            "maxTokens": call.limits.max_output,
            "temperature": temperature,
            "topP": top_p,
            "stopSequences": [text for text in sampling.stop if text or loss.own] or None,
        }
    )


def _top_k(call: Call, family: Family, samples: bool, loss: Loss) -> Members:
    top_k = call.sampling.top_k
    if top_k is None:
        return {}
    if not family.top_k or not samples:
        loss.add("top_k")
        return {}
    out: object = top_k
    for name in reversed(family.top_k):
        out = {name: out}
    return out if isinstance(out, dict) else {}


def _options(call: Call, family: Family, loss: Loss) -> Members:
    paths = [STOP_FIELD] if call.sampling.stop and family.stop_field and not loss.own else None
    return {
        "requestMetadata": _metadata(call, loss),
        "serviceTier": _tier(call, loss),
        "additionalModelResponseFieldPaths": paths,
    }


def _metadata(call: Call, loss: Loss) -> Members:
    """Bedrock refuses texts with other characters."""
    kept: Members = {}
    for name, value in call.metadata.items():
        if loss.own or (_METADATA.fullmatch(name) and _METADATA.fullmatch(value) and len(kept) < MOST_METADATA):
            kept[name] = value
        else:
            loss.add(f"metadata.{name}")
    return kept


def _tier(call: Call, loss: Loss) -> Members:
    if call.service_tier in (None, "auto"):
        return {}
    tier = TIERS.get(call.service_tier or "")
    if tier is None and not loss.own:
        loss.add("service_tier")
        return {}
    return {"type": tier or call.service_tier}


def _output(call: Call, family: Family, effort: str | None, loss: Loss) -> Members:
    out: Members = {}
    wanted = call.output_format
    if wanted is not None and wanted.kind != "text":
        if wanted.kind == "schema" and wanted.schema is not None and (family.structured or loss.own):
            out["textFormat"] = _schema(wanted)
        else:
            loss.add("response_format")
    if effort is not None:
        out["effort"] = effort
    return out


def _schema(wanted: OutputFormat) -> Members:
    schema = bytes(wanted.schema or b"{}").decode("utf-8", "replace")
    definition = given({"schema": schema, "name": wanted.name, "description": wanted.description})
    return {"type": "json_schema", "structure": {"jsonSchema": definition}}


def _unheard(call: Call, loss: Loss) -> None:
    """What this dialect has no word for."""
    sampling = call.sampling
    lost = {
        "frequency_penalty": sampling.frequency_penalty is not None,
        "presence_penalty": sampling.presence_penalty is not None,
        "seed": sampling.seed is not None,
        "logit_bias": sampling.logit_bias is not None,
        "n": sampling.choices not in (None, 1),
        "logprobs": bool(sampling.logprobs),
        "top_logprobs": bool(sampling.top_logprobs),
        "parallel_tool_calls": call.parallel_tool_calls is False,
        "max_tool_calls": call.limits.max_tool_calls is not None,
        "truncation": call.limits.truncation not in (None, "disabled"),
        "verbosity": call.verbosity is not None,
        "previous_response_id": call.state.previous_response_id is not None,
        "conversation": call.state.conversation is not None,
        "store": bool(call.state.store),
        "background": bool(call.state.background),
        "user": call.user is not None,
        "safety_identifier": call.safety_identifier is not None,
        "prompt_cache_key": call.prompt_cache_key is not None,
    }
    loss.unsaid(lost)


def given(members: Members) -> Members:
    return {name: value for name, value in members.items() if value is not None}
