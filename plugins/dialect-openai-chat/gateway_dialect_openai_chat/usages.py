"""Token counts: `usage` as upstreams write it, and as clients read it.

Source: OpenAI's CompletionUsage: `prompt_tokens` includes cached ones, `completion_tokens` includes reasoning.
"""

from __future__ import annotations

from msgspec import Struct

from gateway import Usage


class PromptDetails(Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class CompletionDetails(Struct, gc=False):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class WireUsage(Struct, gc=False):
    """The last four are DeepSeek's, Moonshot's, Vercel's, and Perplexity's and SGLang's."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    cached_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    reasoning_tokens: int | None = None


class PromptDetailsOut(Struct, frozen=True):
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    audio_tokens: int = 0


class CompletionDetailsOut(Struct, frozen=True):
    reasoning_tokens: int = 0
    audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


class UsageOut(Struct, frozen=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetailsOut
    completion_tokens_details: CompletionDetailsOut


_NO_PROMPT_DETAILS, _NO_COMPLETION_DETAILS = PromptDetails(), CompletionDetails()


def read(wire: WireUsage) -> Usage:
    """Disjoint counts."""
    prompt = wire.prompt_tokens_details or _NO_PROMPT_DETAILS
    completion = wire.completion_tokens_details or _NO_COMPLETION_DETAILS
    cached = _first(prompt.cached_tokens, wire.prompt_cache_hit_tokens, wire.cached_tokens)
    written = _first(prompt.cache_write_tokens, wire.cache_creation_input_tokens)
    reasoning = _first(completion.reasoning_tokens, wire.reasoning_tokens)
    return Usage(
        input=_uncached(wire.prompt_tokens, (cached or 0) + (written or 0)),
        cache_read=cached,
        cache_write_5m=written,
        output=_output(wire, reasoning or 0),
        reasoning=reasoning,
        audio_input=prompt.audio_tokens,
        audio_output=completion.audio_tokens,
    )


def write(usage: Usage) -> UsageOut:
    written = (usage.cache_write_5m or 0) + (usage.cache_write_1h or 0)
    return UsageOut(
        usage.prompt,
        usage.output or 0,
        usage.total,
        PromptDetailsOut(usage.cache_read or 0, written, usage.audio_input or 0),
        CompletionDetailsOut(usage.reasoning or 0, usage.audio_output or 0),
    )


def _uncached(prompt: int | None, cached: int) -> int | None:
    """Some gateways leave cached tokens out of the prompt's; more cached than prompt ones is the sign of it."""
    return prompt if prompt is None or cached > prompt else prompt - cached


def _output(wire: WireUsage, reasoning: int) -> int | None:
    """xAI, and Google behind some gateways, count reasoning beside the completion instead of within it."""
    output = wire.completion_tokens
    if output is None or not reasoning:
        return output
    beside = reasoning > output or wire.total_tokens == (wire.prompt_tokens or 0) + output + reasoning
    return output + reasoning if beside else output


def _first(*counts: int | None) -> int | None:
    for count in counts:
        if count is not None:
            return count
    return None
