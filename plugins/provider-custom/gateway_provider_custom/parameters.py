"""LibreChat's `addParams` and `dropParams` as members of the upstream's request.

LibreChat hands some of them to a client library under that library's names; here they are the wire's.
Source: LibreChat `packages/api/src/endpoints/openai/llm.ts`, `knownOpenAIParams`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Raw, json

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


def added(parameters: Mapping[str, Any]) -> dict[str, Raw]:
    return {
        WIRE_NAMES.get(name, name): Raw(json.encode(value))
        for name, value in parameters.items()
        if name not in NOT_MEMBERS
    }


def dropped(parameters: Iterable[str]) -> frozenset[str]:
    return frozenset(WIRE_NAMES.get(name, name) for name in parameters)
