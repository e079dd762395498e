"""A Call's sampling, limits, output format and reasoning as `generationConfig`, and what of them is lost."""

from __future__ import annotations

from msgspec import Raw

from gateway import Call, OutputFormat, ReasoningOptions, Sampling, Target
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from .families import families, is_older

JSON = "application/json"


def config(call: Call, target: Target, loss: Loss) -> Members:
    found = _sampling(call.sampling, loss)
    found["maxOutputTokens"] = call.limits.max_output
    if call.output_format is not None:
        found |= _format(call.output_format)
    found["thinkingConfig"] = thinking(call.reasoning, target, loss) or None
    return given(found)


def _sampling(sampling: Sampling, loss: Loss) -> Members:
    if sampling.logit_bias is not None:
        loss.add("logit_bias")
    top = sampling.top_logprobs
    return {
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "frequencyPenalty": sampling.frequency_penalty,
        "presencePenalty": sampling.presence_penalty,
        "seed": sampling.seed,
        "stopSequences": list(sampling.stop) or None,
        "candidateCount": sampling.choices,
        "responseLogprobs": sampling.logprobs,
        "logprobs": top if loss.own or sampling.logprobs else None,
    }


def _format(wanted: OutputFormat) -> Members:
    """Gemini holds to a schema whether or not it is called strict. What it is called stands in the schema itself."""
    if wanted.kind == "text":
        return {"responseMimeType": "text/plain"}
    if wanted.schema is None:
        return {"responseMimeType": JSON}
    return {"responseMimeType": JSON, "responseJsonSchema": _named(wanted, wanted.schema)}


def _named(wanted: OutputFormat, schema: Raw) -> Raw:
    members = jsontext.members(schema)
    for name, word in (("title", wanted.name), ("description", wanted.description)):
        if word and name not in members:
            members[name] = jsontext.raw(word)
    return jsontext.raw(members) if len(members) > len(jsontext.members(schema)) else schema


def thinking(wanted: ReasoningOptions, target: Target, loss: Loss) -> Members:
    """Tokens or a level, since Gemini refuses both at once; the more exact word wins. A budget of -1 is none."""
    out: Members = {}
    if wanted.summary is not None:
        out["includeThoughts"] = wanted.summary != "none"
        if wanted.summary not in ("auto", "none"):
            loss.add("reasoning.summary")
    if wanted.budget is not None and (wanted.budget != -1 or wanted.effort is None):
        out["thinkingBudget"] = wanted.budget
        if wanted.effort is not None:
            loss.add("reasoning.effort")
    elif wanted.effort is not None:
        out |= effort(wanted.effort, target, loss)
    return out


def effort(word: str, target: Target, loss: Loss) -> Members:
    """Later models cannot be told not to think; the least they can is what comes nearest."""
    known = families()
    if is_older(target.model):
        if word in known.budgets:
            return {"thinkingBudget": known.budgets[word]}
    elif word in known.levels:
        return {"thinkingLevel": known.levels[word]}
    elif word == "none":
        loss.add("reasoning.effort")
        return {"thinkingLevel": known.levels["minimal"]}
    if word != "auto":
        loss.add("reasoning.effort")
    return {}


def given(members: Members) -> Members:
    return {name: value for name, value in members.items() if value is not None}
