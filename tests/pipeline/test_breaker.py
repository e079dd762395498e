"""When a target is left alone, for how long, and who may try it again."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.pipeline.breaker import Breaker, Pass, Standing
from gateway.pipeline.breakers import Breakers
from gateway.settings.routes import BreakerRule

RULE = BreakerRule(failures=3, ratio=0.5, calls=10, window=60, cooldown=10, longest=60)


class Told(list[Standing]):
    @property
    def states(self) -> list[str]:
        return [standing.state for standing in self]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def breaker(nature: Any, told: Told) -> Breaker:
    return Breaker(("smart", "a", "m"), RULE, nature.now, told.append)


def let_in(breaker: Breaker) -> Pass:
    way = breaker.admit()
    assert way is not None
    return way


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        let_in(breaker).failed("5xx")


def test_it_opens_after_so_many_failures_in_a_row(breaker: Breaker, told: Told) -> None:
    fail(breaker, 2)
    assert (breaker.standing().state, told) == ("closed", [])
    fail(breaker)
    assert breaker.standing() == Standing("smart", "a", "m", "open", 3, "5xx", 10.0)
    assert breaker.admit() is None
    assert told.states == ["open"]


def test_a_reply_that_ends_well_starts_the_row_anew(breaker: Breaker) -> None:
    for _ in range(3):
        fail(breaker, 2)
        let_in(breaker).settle("complete")
    assert breaker.standing().state == "closed"


def test_it_opens_at_a_part_of_many_calls(breaker: Breaker) -> None:
    for _ in range(5):
        let_in(breaker).settle("complete")
        fail(breaker)
    assert breaker.standing().state == "open"


def test_failures_of_long_ago_are_no_part_of_it(breaker: Breaker, nature: Any) -> None:
    for _ in range(5):
        let_in(breaker).settle("complete")
        fail(breaker)
        nature.time += 15
    assert breaker.standing().state == "closed"


def test_after_the_cooldown_one_call_alone_tries_it(breaker: Breaker, nature: Any, told: Told) -> None:
    fail(breaker, 3)
    nature.time += 9.9
    assert breaker.admit() is None
    nature.time += 0.2
    trying = let_in(breaker)
    assert breaker.admit() is None
    assert breaker.standing().state == "half_open"
    trying.answered()
    assert let_in(breaker) is not None
    assert told.states == ["open", "half_open", "closed"]


def test_the_cooldown_doubles_up_to_a_bound(breaker: Breaker, nature: Any) -> None:
    fail(breaker, 3)
    waits = []
    for _ in range(5):
        waits.append(breaker.cooldown())
        nature.time += breaker.cooldown()
        fail(breaker)
    assert waits == [10, 20, 40, 60, 60]


def test_a_reply_that_ends_well_makes_the_next_cooldown_short_again(breaker: Breaker, nature: Any) -> None:
    fail(breaker, 3)
    nature.time += 10
    fail(breaker)
    nature.time += 20
    trying = let_in(breaker)
    trying.answered()
    trying.settle("complete")
    fail(breaker, 3)
    assert breaker.cooldown() == 10


def test_a_call_that_tried_it_and_was_dropped_lets_the_next_one_try(breaker: Breaker, nature: Any) -> None:
    fail(breaker, 3)
    nature.time += 10
    let_in(breaker).dropped()
    assert breaker.admit() is not None


def test_a_retry_after_opens_it_for_just_that_long(breaker: Breaker, nature: Any) -> None:
    let_in(breaker).failed("429", 2.5)
    assert breaker.cooldown() == 2.5
    nature.time += 2.5
    assert breaker.admit() is not None


def test_a_retry_after_of_a_day_is_asked_again_before(breaker: Breaker) -> None:
    let_in(breaker).failed("429", 86400)
    assert breaker.cooldown() == RULE.longest


def test_calls_that_were_under_way_neither_lengthen_a_cooldown_nor_end_it(breaker: Breaker) -> None:
    late = [let_in(breaker) for _ in range(4)]
    fail(breaker, 3)
    late[0].failed("5xx")
    late[1].settle("complete")
    late[2].answered()
    assert (breaker.standing().state, breaker.cooldown()) == ("open", 10)
    late[3].failed("429", 30)
    assert breaker.cooldown() == 30


def test_one_failure_that_says_all_is_enough(breaker: Breaker) -> None:
    let_in(breaker).failed("credentials", at_once=True)
    assert breaker.standing().state == "open"


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("broken", "open"), ("timeout", "open"), ("upstream_error", "open"), ("client_gone", "closed")],
)
def test_a_reply_that_breaks_off_after_its_beginning_counts(breaker: Breaker, outcome: Any, state: str) -> None:
    for _ in range(3):
        way = let_in(breaker)
        way.answered()
        way.settle(outcome)
    assert breaker.standing().state == state


def test_what_was_found_out_outlives_a_reload_by_name(nature: Any) -> None:
    state: dict[str, Any] = {}
    before = Breakers.of(state)
    before.clock = nature.now
    fail(before.at("smart", "a", "m", RULE), 3)
    before.at("smart", "gone", "m", RULE)
    after = Breakers.of(state)
    assert after.at("smart", "a", "m", BreakerRule()).standing().state == "open"
    assert after.at("other", "a", "m", RULE).standing().state == "closed"
    after.keep({("smart", "a", "m")})
    assert [standing.endpoint for standing in after.standings()] == ["a"]


def test_a_watcher_takes_the_place_of_the_one_before(nature: Any) -> None:
    breakers, first, second = Breakers(nature.now), Told(), Told()
    breakers.watch("meter", first.append)
    breakers.watch("meter", second.append)
    fail(breakers.at("smart", "a", "m", RULE), 3)
    assert (first, second.states) == ([], ["open"])


def test_a_configuration_that_does_not_come_to_serve_leaves_breakers_as_they_are(nature: Any) -> None:
    breakers, told = Breakers(nature.now), Told()
    breakers.watch("meter", told.append)
    breaker = breakers.at("smart", "a", "m", RULE)
    breakers.apply()
    draft = breakers.draft()
    assert draft.at("smart", "a", "m", BreakerRule(failures=1)) is breaker
    draft.at("other", "b", "m", RULE)
    draft.keep(set())
    assert (breaker.rule, len(breakers.standings())) == (RULE, 1)
    draft.apply()
    fail(breaker, 1)
    assert told.states == ["open"]
