"""Words and tokens for how much to think stand for each other."""

import pytest

from gateway import ReasoningOptions
from gateway.wire import efforts


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (ReasoningOptions(), None),
        (ReasoningOptions(effort="high"), "high"),
        (ReasoningOptions(effort="low", budget=32000), "low"),
        (ReasoningOptions(budget=0), None),
        (ReasoningOptions(budget=-1), None),
        (ReasoningOptions(budget=1024), "low"),
        (ReasoningOptions(budget=8192), "medium"),
        (ReasoningOptions(budget=8193), "high"),
        (ReasoningOptions(budget=10**6), "max"),
    ],
)
def test_an_effort_is_what_was_said_or_the_least_whose_tokens_are_enough(options, word):
    assert efforts.effort_of(options) == word


def test_the_tokens_of_a_word_give_that_word():
    for word, tokens in efforts.BUDGETS.items():
        assert efforts.budget_of(word) == tokens
        assert efforts.nearest(tokens) == ("low" if word == "minimal" else word)


def test_tokens_beside_a_word_are_lost_and_so_is_not_to_think_at_all():
    assert efforts.is_lost(ReasoningOptions(effort="low", budget=2048))
    assert efforts.is_lost(ReasoningOptions(budget=0))
    assert not efforts.is_lost(ReasoningOptions(effort="none", budget=0))
    assert not efforts.is_lost(ReasoningOptions(effort="low", budget=-1))
    assert not efforts.is_lost(ReasoningOptions(budget=2048))
