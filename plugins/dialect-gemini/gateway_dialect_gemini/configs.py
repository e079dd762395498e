"""`generationConfig`, as clients write it. What has no canonical word is put back under its dotted name."""

from __future__ import annotations

import msgspec

from gateway import Limits, OutputFormat, ReasoningOptions, Sampling
from gateway.wire.members import FLAG, OBJECT, RAW, TEXT, Kind

from . import schemas
from .fields import Fields

_TEXTS = Kind(list[str], "a list of strings")
CONFIG, THINKING = "generationConfig", "thinkingConfig"


class Config(msgspec.Struct):
    sampling: Sampling
    limits: Limits
    output: OutputFormat | None
    reasoning: ReasoningOptions


def config(fields: Fields) -> Config:
    inner = fields.inner(CONFIG) or Fields({}, fields.at(CONFIG))
    found = Config(_sampling(inner), Limits(inner.integer("maxOutputTokens")), _output(inner), _reasoning(inner))
    for name, value in inner.given().items():
        fields.put(f"{CONFIG}.{name}", value)
    return found


def _sampling(fields: Fields) -> Sampling:
    stop = fields.take("stopSequences", _TEXTS)
    return Sampling(
        temperature=fields.number("temperature"),
        top_p=fields.number("topP"),
        top_k=fields.integer("topK"),
        frequency_penalty=fields.number("frequencyPenalty"),
        presence_penalty=fields.number("presencePenalty"),
        seed=fields.integer("seed"),
        stop=tuple(stop or ()),
        choices=fields.integer("candidateCount"),
        logprobs=fields.take("responseLogprobs", FLAG),
        top_logprobs=fields.integer("logprobs"),
    )


def _output(fields: Fields) -> OutputFormat | None:
    """Other types than JSON (`text/x.enum`, which makes of a schema something else) stay the upstream's own."""
    mime = fields.seen("responseMimeType")
    if mime is not None and TEXT.read(mime, fields.at("responseMimeType")) != "application/json":
        if bytes(mime) == b'"text/plain"':
            fields.raw("responseMimeType")
            return OutputFormat("text")
        return None
    fields.raw("responseMimeType")
    openapi, schema = fields.raw("responseSchema"), fields.take("responseJsonSchema", RAW)
    if schema is None and openapi is not None:
        schema = schemas.json_schema(openapi, fields.at("responseSchema"))
    if schema is not None:
        OBJECT.read(schema, fields.at("responseJsonSchema"))
        return OutputFormat("schema", schema=schema)
    return OutputFormat("json") if mime is not None else None


def _reasoning(fields: Fields) -> ReasoningOptions:
    inner = fields.inner(THINKING)
    if inner is None:
        return ReasoningOptions()
    level = (inner.take("thinkingLevel", TEXT) or "").lower()
    shown = inner.take("includeThoughts", FLAG)
    found = ReasoningOptions(
        effort=level if level and not level.endswith("_unspecified") else None,
        summary=None if shown is None else "auto" if shown else "none",
        budget=inner.integer("thinkingBudget"),
    )
    for name, value in inner.given().items():
        fields.put(f"{THINKING}.{name}", value)
    return found
