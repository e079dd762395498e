"""`model_parameters` of an agent: LibreChat's names to the gateway's.

Source of the names: LibreChat `packages/data-provider/src/schemas.ts`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import isfinite
from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway import Parameter

NAMES: Mapping[str, Parameter] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "topP": "top_p",
    "top_k": "top_k",
    "topK": "top_k",
    "frequency_penalty": "frequency_penalty",
    "frequencyPenalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "presencePenalty": "presence_penalty",
    "seed": "seed",
    "stop": "stop",
    "stop_sequences": "stop",
    "stopSequences": "stop",
    "logit_bias": "logit_bias",
    "logitBias": "logit_bias",
    "max_tokens": "max_output_tokens",
    "maxTokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "maxCompletionTokens": "max_output_tokens",
    "max_output_tokens": "max_output_tokens",
    "maxOutputTokens": "max_output_tokens",
    "reasoning_effort": "reasoning_effort",
    "reasoningEffort": "reasoning_effort",
    "effort": "reasoning_effort",
    "reasoning_summary": "reasoning_summary",
    "reasoningSummary": "reasoning_summary",
    "reasoning_budget": "reasoning_budget",
    "thinkingBudget": "reasoning_budget",
    "verbosity": "verbosity",
    "parallel_tool_calls": "parallel_tool_calls",
    "parallelToolCalls": "parallel_tool_calls",
    "service_tier": "service_tier",
    "serviceTier": "service_tier",
    "user": "user",
}
KINDS: Mapping[Parameter, Any] = {
    "temperature": float,
    "top_p": float,
    "top_k": int,
    "frequency_penalty": float,
    "presence_penalty": float,
    "seed": int,
    "stop": str | list[str],
    "logit_bias": dict[str, float],
    "max_output_tokens": int,
    "reasoning_effort": str,
    "reasoning_summary": str,
    "reasoning_budget": int,
    "verbosity": str,
    "parallel_tool_calls": bool,
    "service_tier": str,
    "user": str,
}
WORDS: Mapping[Any, str] = {
    float: "a number",
    int: "a whole number",
    str: "text",
    bool: "true or false",
    str | list[str]: "text or a list of texts",
    dict[str, float]: "a mapping of tokens to numbers",
}
OF_THE_CLIENT = frozenset(
    [
        "additional_instructions",
        "append_current_datetime",
        "artifacts",
        "chatGptLabel",
        "endpoint",
        "endpointType",
        "examples",
        "fileTokenLimit",
        "greeting",
        "iconURL",
        "imageDetail",
        "instructions",
        "maxContextTokens",
        "model",
        "modelLabel",
        "promptPrefix",
        "resendFiles",
        "resendImages",
        "spec",
        "stream",
        "streaming",
        "system",
        "tools",
    ]
)
"""What LibreChat keeps among the parameters for its own client."""
WITHOUT_EFFECT = frozenset(
    [
        "disableStreaming",
        "promptCache",
        "promptCacheTtl",
        "region",
        "thinking",
        "thinkingDisplay",
        "thinkingLevel",
        "url_context",
        "useResponsesApi",
        "web_search",
    ]
)
"""What changes a reply in LibreChat and not yet here."""


class Parameters(Struct, frozen=True):
    """defaults, locked, set: as in an Edit. wrong: what is wrong with a name, by `model_parameters.x` or `locked[n]`.

    idle: names that have no effect yet.
    """

    defaults: dict[Parameter, Raw]
    locked: frozenset[Parameter]
    set: dict[str, Raw]
    wrong: dict[str, str]
    idle: tuple[str, ...]


def read(given: Mapping[str, Any], locked: Collection[str]) -> Parameters:
    """What is null or an empty text is not said, as in LibreChat's forms."""
    said = {name: value for name, value in given.items() if value is not None and value != ""}
    defaults: dict[Parameter, Raw] = {}
    extra: dict[str, Raw] = {}
    wrong: dict[str, str] = {}
    for name, value in said.items():
        if canonical := NAMES.get(name):
            try:
                defaults[canonical] = _json(value, KINDS[canonical])
            except ValueError as error:
                wrong[f"model_parameters.{name}"] = str(error)
        elif name not in OF_THE_CLIENT | WITHOUT_EFFECT:
            extra[name] = Raw(msgspec.json.encode(value))
    held = _locked(locked, defaults, extra, wrong)
    return Parameters(defaults, held, extra, wrong, tuple(sorted(WITHOUT_EFFECT & said.keys())))


def _json(value: Any, kind: Any) -> Raw:
    """Raises ValueError where the value is of another kind."""
    try:
        typed = msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"the value does not fit, expected is {WORDS[kind]}") from error
    if isinstance(typed, float) and not isfinite(typed):
        raise ValueError(f"the value does not fit, expected is {WORDS[kind]}")
    return Raw(msgspec.json.encode(typed))


def _locked(
    locked: Collection[str], defaults: Mapping[Parameter, Raw], extra: Mapping[str, Raw], wrong: dict[str, str]
) -> frozenset[Parameter]:
    """What goes to the upstream as it stands always wins over the caller, so it may be named here without effect."""
    held = set()
    for number, name in enumerate(locked):
        canonical = NAMES.get(name)
        if canonical is not None and canonical in defaults:
            held.add(canonical)
        elif name not in extra:
            wrong[f"locked[{number}]"] = f"model_parameters has no {name!r}, so there is nothing to hold on to"
    return frozenset(held)
