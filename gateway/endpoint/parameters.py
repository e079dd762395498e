"""`addParams` and `dropParams`: what the operator sets in requests and takes out of them.

LibreChat hands what its client library knows to that library, under the library's names; here they are the wire's, and
what only the library or LibreChat itself understands goes to no upstream. Source: LibreChat
`packages/api/src/endpoints/…/llm.ts`, the sets of known parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Raw, Struct, json

LIMITS = ("max_tokens", "max_completion_tokens")
"""Two names of one thing: a request must not have both."""
NAMES: Mapping[str, str] = {
    "maxTokens": "max_tokens",
    "maxCompletionTokens": "max_completion_tokens",
    "topP": "top_p",
    "topK": "top_k",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
    "logitBias": "logit_bias",
    "topLogprobs": "top_logprobs",
    "stopSequences": "stop",
    "reasoningEffort": "reasoning_effort",
}
RESPONSES_ONLY = "useResponsesApi"
"""Says whether the upstream's newer API is the one to speak; that has a third name for the limit."""
NEWER = dict.fromkeys(("maxTokens", "maxCompletionTokens", *LIMITS), "max_output_tokens")
SWITCHES = frozenset(
    (
        "__includeRawResponse",
        "apiKey",
        "configuration",
        "disableStreaming",
        "maxConcurrency",
        "maxRetries",
        "modelName",
        "organization",
        "promptIndex",
        "stream",
        "streamUsage",
        "streaming",
        "supportsStrictToolCalling",
        "timeout",
        "verbose",
        "web_search",
        "zdrEnabled",
        RESPONSES_ONLY,
    )
)
"""No members of requests, and `stream`, which is the caller's."""


class Parameters(Struct, frozen=True):
    """idle: names in `addParams` that have no effect. responses_only: it asks for the newer API."""

    set: Mapping[str, Raw]
    drop: frozenset[str]
    idle: tuple[str, ...]
    responses_only: bool


def parameters(add: Mapping[str, Any], drop: Iterable[str], names: Mapping[str, str] = NAMES) -> Parameters:
    """names: the wire's, by LibreChat's."""
    responses_only = add.get(RESPONSES_ONLY) is True
    names = {**names, **NEWER} if responses_only else names
    added = {names.get(name, name): Raw(json.encode(value)) for name, value in add.items() if name not in SWITCHES}
    dropped = {names.get(name, name) for name in drop}
    if not dropped.isdisjoint(LIMITS):
        dropped.update(LIMITS)
    if given := added.keys() & set(LIMITS):
        dropped |= set(LIMITS) - given
    idle = tuple(sorted((SWITCHES - {RESPONSES_ONLY}) & add.keys()))
    return Parameters(added, frozenset(dropped), idle, responses_only)
