"""Which family a model is of."""

from __future__ import annotations

import re

import pytest
from gateway_dialect_bedrock_converse import families

DATA = families.load()


@pytest.mark.parametrize(
    ("model", "reasoning", "structured", "sampling", "both"),
    [
        ("anthropic.claude-v2:1", "none", False, True, True),
        ("anthropic.claude-3-5-sonnet-20240620-v1:0", "none", False, True, True),
        ("eu.anthropic.claude-3-7-sonnet-20250219-v1:0", "budget", False, True, True),
        ("us.anthropic.claude-opus-4-20250514-v1:0", "budget", False, True, True),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", "budget", False, True, False),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", "budget", True, True, False),
        ("us.anthropic.claude-opus-4-6-v1", "adaptive", True, True, False),
        ("us.anthropic.claude-opus-4-7", "adaptive", True, False, True),
        ("us.anthropic.claude-sonnet-5", "adaptive", True, False, True),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-5", "adaptive", True, False, True),
        ("us.amazon.nova-pro-v1:0", "none", False, True, True),
        ("amazon.nova-2-lite-v1:0", "nova", False, True, True),
        ("openai.gpt-oss-20b-1:0", "effort", True, True, True),
        ("zai.glm-5", "config", True, True, True),
        ("qwen.qwen3-32b-v1:0", "none", True, True, True),
        ("mistral.mistral-7b-instruct-v0:2", "none", False, True, True),
        ("mistral.devstral-2-123b", "none", True, True, True),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", "none", False, True, True),
    ],
)
def test_a_model_is_of_its_family(model: str, reasoning: str, structured: bool, sampling: bool, both: bool) -> None:
    family = families.of(model, DATA)
    assert (family.reasoning, family.structured, family.sampling, family.both) == (
        reasoning,
        structured,
        sampling,
        both,
    )


def test_every_row_is_a_pattern() -> None:
    assert all(re.compile(row.match) for row in DATA)
