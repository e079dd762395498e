"""Token counts, both ways."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from gateway_dialect_openai_chat import usages
from gateway_dialect_openai_chat.usages import WireUsage

from gateway import Usage


def read(**members: Any) -> Usage:
    return usages.read(msgspec.convert(members, WireUsage))


@pytest.mark.parametrize(
    "cached",
    [{"prompt_tokens_details": {"cached_tokens": 6}}, {"prompt_cache_hit_tokens": 6}, {"cached_tokens": 6}],
    ids=["openai", "deepseek", "moonshot"],
)
def test_cached_tokens_are_taken_out_of_the_prompt(cached: dict[str, Any]) -> None:
    assert read(prompt_tokens=10, completion_tokens=2, **cached) == Usage(input=4, cache_read=6, output=2)


def test_details_have_their_places() -> None:
    assert read(
        prompt_tokens=10,
        completion_tokens=5,
        total_tokens=15,
        prompt_tokens_details={"cached_tokens": 3, "cache_write_tokens": 2, "audio_tokens": 1},
        completion_tokens_details={"reasoning_tokens": 4, "audio_tokens": 1},
    ) == Usage(input=5, cache_read=3, cache_write_5m=2, output=5, reasoning=4, audio_input=1, audio_output=1)


def test_what_is_not_reported_stays_unknown() -> None:
    assert read(prompt_tokens=1, completion_tokens=2, prompt_tokens_details=None) == Usage(input=1, output=2)


def test_more_cached_than_prompt_means_that_the_prompt_leaves_them_out() -> None:
    assert read(prompt_tokens=3, prompt_tokens_details={"cached_tokens": 9}) == Usage(input=3, cache_read=9)


@pytest.mark.parametrize("total", [630, None], ids=["xai", "more-reasoning-than-completion"])
def test_reasoning_beside_the_completion_is_added(total: int | None) -> None:
    counted = read(
        prompt_tokens=401,
        completion_tokens=44,
        total_tokens=total,
        completion_tokens_details={"reasoning_tokens": 185},
    )
    assert (counted.output, counted.reasoning) == (229, 185)


def test_reasoning_may_stand_beside_the_counts() -> None:
    assert read(prompt_tokens=1, completion_tokens=5, reasoning_tokens=4) == Usage(input=1, output=5, reasoning=4)


def test_written_counts_include_what_openai_includes() -> None:
    told = usages.write(Usage(input=5, cache_read=3, cache_write_5m=1, cache_write_1h=1, output=7, reasoning=2))
    assert msgspec.to_builtins(told) == {
        "prompt_tokens": 10,
        "completion_tokens": 7,
        "total_tokens": 17,
        "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 2,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
