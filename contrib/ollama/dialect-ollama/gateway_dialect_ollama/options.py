"""`options` and what stands beside them, both ways: sampling, limits, thinking and the output's format.

An option that canonical form has no word for rides along as `options.num_ctx`, so that it is lost under its own name.

Source: Ollama, `api/types.go`: Options, Runner, ThinkValue.
"""

from __future__ import annotations

from msgspec import Raw

from gateway import Call, Extra, Limits, OutputFormat, ReasoningOptions, Sampling
from gateway.wire import efforts, jsontext
from gateway.wire.jsontext import Members as Object
from gateway.wire.losses import Loss
from gateway.wire.members import FLAG, INTEGER, NUMBER, TEXT, Kind, Members

from .names import LEVELS

_TEXTS = Kind(list[str], "a list of strings")
OPTIONS = "options."
_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "max": "max"}


def sampling(fields: Members) -> tuple[Sampling, Limits]:
    logprobs, top = fields.take("logprobs", FLAG), fields.take("top_logprobs", INTEGER)
    options = fields.inner("options")
    if options is None:
        return Sampling(logprobs=logprobs, top_logprobs=top), Limits()
    found = Sampling(
        temperature=options.take("temperature", NUMBER),
        top_p=options.take("top_p", NUMBER),
        top_k=options.take("top_k", INTEGER),
        frequency_penalty=options.take("frequency_penalty", NUMBER),
        presence_penalty=options.take("presence_penalty", NUMBER),
        seed=options.take("seed", INTEGER),
        stop=_stop(options),
        logprobs=logprobs,
        top_logprobs=top,
    )
    limit = most(options)
    for name, value in options.given().items():
        fields.put(f"{OPTIONS}{name}", value)
    return found, Limits(max_output=limit)


def most(options: Members) -> int | None:
    """`num_predict`; below zero it says that there is no limit, and stays."""
    limit = options.take("num_predict", INTEGER)
    if limit is not None and limit < 0:
        options.put("num_predict", jsontext.raw(limit))
        return None
    return limit


def thinking(fields: Members) -> ReasoningOptions:
    value = fields.raw("think")
    if value is None:
        return ReasoningOptions()
    if bytes(value) in (b"true", b"false"):
        return ReasoningOptions(effort="medium" if bytes(value) == b"true" else "none")
    word = TEXT.read(value, fields.at("think")) if bytes(value)[:1] == b'"' else ""
    if word not in _EFFORTS:
        raise fields.wrong("think", "must be true, false, low, medium, high or max")
    return ReasoningOptions(effort=_EFFORTS[word])


def output_format(fields: Members) -> OutputFormat | None:
    value = fields.raw("format")
    if value is None or bytes(value) == b'""':
        return None
    if bytes(value) == b'"json"':
        return OutputFormat("json")
    if jsontext.first(value) != b"{":
        raise fields.wrong("format", "must be json or a JSON schema")
    return OutputFormat("schema", schema=value)


def write(call: Call, loss: Loss) -> Object:
    """`options`, `think`, `format`, `logprobs`; only what the call has."""
    asked = call.sampling
    options: Object = {
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "top_k": asked.top_k,
        "frequency_penalty": asked.frequency_penalty,
        "presence_penalty": asked.presence_penalty,
        "seed": asked.seed,
        "stop": list(asked.stop) or None,
        "num_predict": call.limits.max_output,
    }
    top = asked.top_logprobs if loss.own or asked.logprobs else None
    return given(
        {
            "options": given(options) or None,
            "think": think(call.reasoning, loss),
            "format": _format(call.output_format, loss) if call.output_format is not None else None,
            "logprobs": asked.logprobs,
            "top_logprobs": top,
        }
    )


def think(asked: ReasoningOptions, loss: Loss) -> bool | str | None:
    """A budget becomes the word for it; one that is left to the model is only that it thinks."""
    if asked.summary not in (None, "auto"):
        loss.add("reasoning.summary")
    if asked.effort is None and asked.budget is not None and asked.budget <= 0:
        return asked.budget < 0
    if efforts.is_lost(asked):
        loss.add("reasoning.budget")
    effort = efforts.effort_of(asked)
    if effort is not None and effort not in LEVELS:
        loss.add("reasoning_effort")
    return LEVELS.get(effort or "")


def nested(extra: Extra) -> Object:
    """What rode along, where it was."""
    out: Object = {name: value for name, value in extra.items() if not name.startswith(OPTIONS)}
    inner = {name.removeprefix(OPTIONS): value for name, value in extra.items() if name.startswith(OPTIONS)}
    return out | ({"options": inner} if inner else {})


def given(members: Object) -> Object:
    return {name: value for name, value in members.items() if value is not None}


def _stop(options: Members) -> tuple[str, ...]:
    value = options.raw("stop")
    if value is None:
        return ()
    if jsontext.first(value) == b'"':
        return (TEXT.read(value, options.at("stop")),)
    return tuple(_TEXTS.read(value, options.at("stop")))


def _format(wanted: OutputFormat, loss: Loss) -> Raw | str | None:
    """A schema's name says nothing to the model, and it is always kept to."""
    if wanted.kind == "text":
        return None
    if wanted.description:
        loss.add("response_format.description")
    if wanted.kind == "schema" and wanted.schema is not None:
        return wanted.schema
    return "json"
