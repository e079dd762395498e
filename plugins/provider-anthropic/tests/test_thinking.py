"""Models are told how much to think in the way that each knows."""

import pytest
from gateway_provider_anthropic.thinking import Thinking

THINKING = Thinking()


@pytest.mark.parametrize(
    ("form", "models"),
    [
        ("effort", ["claude-opus-5-5", "claude-sonnet-5", "claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-8"]),
        ("effort", ["claude-haiku-5-5", "claude-fable-5-2", "claude-of-tomorrow", "another"]),
        ("object", ["claude-3-7-sonnet-20250219", "claude-3-7-sonnet@20250219", "claude-opus-4-1-20250805"]),
        (
            "object",
            ["claude-opus-4@20250514", "claude-opus-4-20250514", "claude-sonnet-4-0", "claude-opus-4-5@20251101"],
        ),
        ("object", ["claude-sonnet-4@20250514", "claude-sonnet-4-5", "claude-haiku-4-5@20251001"]),
        ("object", ["claude-sonnet-4-0", "Claude-Opus-4"]),
        ("none", ["claude-3-5-sonnet-v2@20241022", "claude-3-haiku-20240307", "claude-2.1"]),
    ],
)
def test_each_model_has_its_way(form, models):
    assert {model: THINKING.quirks(model).reasoning_format for model in models} == dict.fromkeys(models, form)
