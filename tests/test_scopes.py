"""What a scope lets through, and what it does not."""

from __future__ import annotations

import pytest

from gateway import Scopes


@pytest.mark.parametrize(
    ("pattern", "name", "endpoint", "allowed"),
    [
        ("openAI/*", "openAI/gpt-4o", "openAI", True),
        ("openAI/*", "openAIx/gpt-4o", "openAIx", False),
        ("openAI/gpt-4o", "openAI/gpt-4o", "openAI", True),
        ("openAI/gpt-4o", "openAI/gpt-4o-mini", "openAI", False),
        ("gpt-4o", "openAI/gpt-4o", "openAI", True),
        ("gpt-4o", "Router/openai/gpt-4o", "Router", False),
        ("openai/gpt-4o", "Router/openai/gpt-4o", "Router", True),
        ("gpt-*", "A/B/gpt-4o", "A/B", True),
        ("fast", "fast", "openAI", True),
        ("a.b", "x/aXb", "x", False),
        ("m[1m]", "x/m[1m]", "x", True),
        ("m?", "x/m2", "x", False),
        ("*", "x/m\n", "x", True),
    ],
)
def test_a_model_is_named_with_its_endpoint_alone_or_by_a_pattern(
    pattern: str, name: str, endpoint: str, allowed: bool
) -> None:
    assert Scopes(models=(pattern,)).allow_model(name, endpoint) is allowed


def test_who_names_agents_or_models_gets_nothing_else_of_either() -> None:
    agents, models, both = Scopes(agents=("a*",)), Scopes(models=("e/m",)), Scopes(agents=("a1",), models=("e/*",))
    assert [one.allow_agent("a1") for one in (agents, models, both)] == [True, False, True]
    assert [one.allow_agent("b1") for one in (agents, models, both)] == [False, False, False]
    assert [one.allow_model("e/m", "e") for one in (agents, models, both)] == [False, True, True]


def test_an_empty_part_leaves_everything_open() -> None:
    for scopes in (Scopes(), Scopes(networks=("10.0.0.0/8",)), Scopes(dialects=("one",))):
        assert scopes.allow_agent("a")
        assert scopes.allow_model("e/m", "e")
    assert Scopes().allow_dialect("any")
    assert not Scopes(dialects=("one",)).allow_dialect("two")
    assert [Scopes(networks=("::/0",)).limits_calls, Scopes(dialects=("one",)).limits_calls] == [False, True]
