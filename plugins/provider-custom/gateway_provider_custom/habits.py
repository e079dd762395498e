"""LibreChat's `customParams` as habits of the upstream, over what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import structs

from gateway import Quirks
from gateway.endpoint import Known

from .section import CustomParams

DEFAULT = Quirks(max_completion_tokens=False)
"""Of an upstream that nothing is known of: compatible servers know the older name of the limit, few the newer one."""
THOUGHTS = "reasoning_content"
_FORMATS: Mapping[str, Literal["effort", "object", "none"]] = {
    "disabled": "none",
    "reasoning_effort": "effort",
    "reasoning_object": "object",
}


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
