"""LibreChat's `addParams`, `dropParams` and `customParams` as members and habits of the upstream's request.

LibreChat hands some of them to a client library under that library's names; here they are the wire's.
Source: LibreChat `packages/api/src/endpoints/openai/llm.ts`, `knownOpenAIParams`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from msgspec import Raw, json, structs

from gateway import Quirks
from gateway.endpoint import Known

from .section import CustomParams

WIRE_NAMES = {
    "maxTokens": "max_tokens",
    "topP": "top_p",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
    "logitBias": "logit_bias",
    "topLogprobs": "top_logprobs",
    "stopSequences": "stop",
    "reasoningEffort": "reasoning_effort",
}
NOT_MEMBERS = frozenset(("web_search",))
"""Switches of LibreChat's own that no upstream knows."""
DEFAULT = Quirks(max_completion_tokens=False)
"""Of an upstream that nothing is known of: compatible servers know the older name of the limit, few the newer one."""
THOUGHTS = "reasoning_content"
_FORMATS: Mapping[str, Literal["effort", "object", "none"]] = {
    "disabled": "none",
    "reasoning_effort": "effort",
    "reasoning_object": "object",
}


def added(parameters: Mapping[str, Any]) -> dict[str, Raw]:
    return {
        WIRE_NAMES.get(name, name): Raw(json.encode(value))
        for name, value in parameters.items()
        if name not in NOT_MEMBERS
    }


def dropped(parameters: Iterable[str]) -> frozenset[str]:
    return frozenset(WIRE_NAMES.get(name, name) for name in parameters)


def habits(known: Known, parameters: CustomParams, drop: frozenset[str]) -> Quirks:
    """What is known of the upstream, and over it what the entry says."""
    quirks = known.quirks(DEFAULT)
    return structs.replace(
        quirks,
        stream_options=quirks.stream_options and "stream_options" not in drop,
        reasoning_format=_FORMATS.get(parameters.reasoning_format, quirks.reasoning_format),
        reasoning_key=_sent_back(parameters, quirks),
    )


def _sent_back(parameters: CustomParams, quirks: Quirks) -> str | None:
    """`reasoningKey` alone says only where thoughts come; whether they go back is said by the two `include…`."""
    asked = (parameters.include_reasoning_content, parameters.include_reasoning_history)
    if any(asked):
        return parameters.reasoning_key or quirks.reasoning_key or THOUGHTS
    if False in asked:
        return None
    return (quirks.reasoning_key and parameters.reasoning_key) or quirks.reasoning_key
