"""Token counts, of both of LibreChat's APIs."""

from __future__ import annotations

from msgspec import Struct

from gateway import Usage


class InputDetails(Struct, gc=False):
    cached_tokens: int | None = None


class OutputDetails(Struct, gc=False):
    reasoning_tokens: int | None = None


class WireUsage(Struct, gc=False):
    """The first names are chat completions', the last Responses'."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    completion_tokens_details: OutputDetails | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


def read(wire: WireUsage) -> Usage | None:
    """Of all model calls of the agent's run. None where all is 0: nothing was counted then, and something was said."""
    prompt = wire.input_tokens if wire.prompt_tokens is None else wire.prompt_tokens
    output = wire.output_tokens if wire.completion_tokens is None else wire.completion_tokens
    if not prompt and not output:
        return None
    details = wire.output_tokens_details or wire.completion_tokens_details
    cached = wire.input_tokens_details.cached_tokens if wire.input_tokens_details else None
    if cached is not None and cached > (prompt or 0):
        cached = None
    return Usage(
        input=None if prompt is None else prompt - (cached or 0),
        cache_read=cached or None,
        output=output,
        reasoning=(details.reasoning_tokens or None) if details else None,
    )
