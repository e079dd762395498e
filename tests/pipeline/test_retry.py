"""How long is waited before another try, and how many there may be."""

from __future__ import annotations

import pytest

from gateway.pipeline.faults import Fault
from gateway.pipeline.retry import Budget, Policy
from gateway.settings.routes import Backoff

POLICY = Policy(on=frozenset(("5xx",)), retries=6, backoff=Backoff(first=0.5, most=8), patience=3)


def test_the_wait_doubles_up_to_a_bound() -> None:
    assert [POLICY.wait("5xx", tries, None, lambda: 1.0) for tries in range(1, 7)] == [0.5, 1, 2, 4, 8, 8]


def test_all_of_the_wait_is_drawn_by_lot() -> None:
    lots = [0.0, 0.25, 1.0]
    assert [POLICY.wait("5xx", 3, None, lambda: lots.pop(0)) for _ in range(3)] == [0, 0.5, 2]


def test_there_are_no_more_tries_than_there_may_be() -> None:
    assert POLICY.wait("5xx", 7, None, lambda: 1.0) is None


def test_a_retry_after_is_waited_for_within_the_routes_patience() -> None:
    assert POLICY.wait("429", 1, 2.0, lambda: 1.0) == 2.5
    assert POLICY.wait("429", 1, 3.0, lambda: 0.0) == 3.0
    assert POLICY.wait("429", 1, 3.1, lambda: 0.0) is None


@pytest.mark.parametrize("fault", ["credentials", "context_overflow"])
def test_what_a_target_would_only_say_again_is_not_tried_again(fault: Fault) -> None:
    assert POLICY.wait(fault, 1, None, lambda: 1.0) is None


def test_retries_are_a_part_of_calls_after_a_burst() -> None:
    budget = Budget(share=0.2, burst=3)
    made = 0
    for _ in range(1000):
        budget.called()
        made += budget.take()
    assert 198 <= made <= 203


def test_what_is_saved_up_is_bounded() -> None:
    budget = Budget(share=1.0, burst=2)
    for _ in range(100):
        budget.called()
    assert [budget.take() for _ in range(3)] == [True, True, False]
