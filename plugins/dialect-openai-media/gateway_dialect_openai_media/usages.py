"""Token counts of replies. What is counted in seconds, images or searches has no place in `Usage`.

Sources: OpenAI's API reference; Cohere's `meta.billed_units`; Jina, vLLM and Mistral write OpenAI's names.
"""

from __future__ import annotations

from msgspec import Struct

from gateway import Usage


class _Details(Struct, gc=False):
    cached_tokens: int | None = None
    audio_tokens: int | None = None
    reasoning_tokens: int | None = None


class WireUsage(Struct):
    """OpenAI has two families of names, and `input_token_details` for transcriptions."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None
    input_token_details: _Details | None = None
    output_tokens_details: _Details | None = None


class _Units(Struct, gc=False):
    input_tokens: float | None = None
    output_tokens: float | None = None


class Meta(Struct):
    billed_units: _Units | None = None
    tokens: _Units | None = None


def read(wire: WireUsage | None, meta: Meta | None = None) -> Usage | None:
    """None where no tokens are told."""
    if wire is not None and (found := _counted(wire)) is not None:
        return found
    units = meta and (meta.billed_units if _tells(meta.billed_units) else meta.tokens)
    if not units or not _tells(units):
        return None
    return Usage(input=_whole(units.input_tokens), output=_whole(units.output_tokens))


def _counted(wire: WireUsage) -> Usage | None:
    whole = wire.prompt_tokens if wire.prompt_tokens is not None else wire.input_tokens
    output = wire.completion_tokens if wire.completion_tokens is not None else wire.output_tokens
    if whole is None:
        whole = None if wire.total_tokens is None else max(wire.total_tokens - (output or 0), 0)
    if whole is None and output is None:
        return None
    read = wire.prompt_tokens_details or wire.input_tokens_details or wire.input_token_details or _Details()
    said = wire.completion_tokens_details or wire.output_tokens_details or _Details()
    cached = read.cached_tokens
    return Usage(
        input=None if whole is None else max(whole - (cached or 0), 0),
        cache_read=cached,
        output=output,
        reasoning=said.reasoning_tokens,
        audio_input=read.audio_tokens,
        audio_output=said.audio_tokens,
    )


def _tells(units: _Units | None) -> bool:
    return units is not None and (units.input_tokens is not None or units.output_tokens is not None)


def _whole(count: float | None) -> int | None:
    return None if count is None else int(count)
