"""Rates beside a simple model: a bucket of exact fractions that leaks."""

from __future__ import annotations

import asyncio
import logging
from fractions import Fraction

import pytest
from gateway_permission_limits.gcra import SECOND, Measure, rate, slots
from gateway_permission_limits.local import LocalCounters
from gateway_permission_limits.memory import Clock, Shape
from hypothesis import given
from hypothesis import strategies as st

from gateway import Grant, Want


class Bucket:
    """limit units leak out in a window; `at_once` fit in. Times are microseconds."""

    def __init__(self, measure: Measure) -> None:
        self.speed = Fraction(measure.limit, measure.window)
        self.at_once = measure.at_once
        self.level = Fraction(0)
        self.now = 0
        self.takes = 0

    def pass_(self, span: int) -> None:
        self.now += span
        self.level = max(Fraction(0), self.level - span * self.speed)
        self.takes = self.takes if self.level else 0

    @property
    def rounded(self) -> Fraction:
        """What whole microseconds may have cost the caller since it was empty: one a take."""
        return (self.takes + 1) * self.speed

    def has_room(self, units: int) -> bool:
        return self.level + units <= self.at_once

    def has_room_in_any_case(self, units: int) -> bool:
        return self.level + units + self.rounded <= self.at_once

    def take(self, units: int) -> None:
        self.level = max(Fraction(0), self.level + units)
        self.takes += 1


LIMITS = st.one_of(st.integers(1, 20), st.integers(21, 10**9))
WINDOWS = st.sampled_from([0.001, 0.5, 1, 7, 60, 3600, 86400 * 30])
BURSTS = st.sampled_from([1.0, 0.5, 0.1, 0.001])
STEPS = st.lists(st.tuples(st.floats(0, 1.5), st.floats(0, 1), st.none() | st.floats(0, 1.5)), max_size=40)


def counters(now: list[int]) -> LocalCounters:
    clock = Clock(lambda: now[0] * 1000, lambda: now[0] * 1000)
    return LocalCounters(None, Shape(1024, SECOND), 1, logging.getLogger("test"), clock)


@given(of=st.sampled_from(["requests", "tokens"]), limit=LIMITS, window=WINDOWS, burst=BURSTS, steps=STEPS)
def test_never_one_too_many_and_none_refused_that_has_room(of, limit, window, burst, steps):
    """Time passes, something is taken, and some of it turns out to have been more or less."""

    async def run() -> None:
        now = [0]
        counted = counters(now)
        await counted.open()
        measure = rate(of, limit, window, burst)
        bucket = Bucket(measure)
        for span, share, actual in steps:
            passed = round(span * measure.window)
            now[0] += passed
            bucket.pass_(passed)
            units = 1 if of == "requests" else max(1, round(share * measure.at_once))
            want = Want(b"n" * 16, min(measure.most, measure.cost(units)), measure.most)
            taken = await counted.take([want])
            if taken.grant is None:
                assert not bucket.has_room_in_any_case(units)
                continue
            assert bucket.has_room(units)
            assert measure.left(taken.used[0]) <= bucket.at_once - bucket.level - units
            bucket.take(units)
            if of == "tokens" and actual is not None:
                await settle(taken.grant, measure, bucket, units, round(actual * units))
        await counted.close()

    asyncio.run(run())


async def settle(grant: Grant, measure: Measure, bucket: Bucket, units: int, actual: int) -> None:
    grant.settle([measure.cost(actual)])
    bucket.take(actual - units)


@given(limit=st.integers(1, 500), window=WINDOWS)
def test_a_full_limit_of_requests_can_be_had_at_once_and_the_next_one_after_its_share_of_the_window(limit, window):
    measure = rate("requests", limit, window)
    assert measure.most // measure.cost(1) == limit
    assert measure.left(0) == limit
    assert measure.left(measure.most) == 0
    assert measure.wait(measure.most, measure.cost(1)) == measure.cost(1) / SECOND >= window / limit


def test_over_a_long_time_callers_get_the_rate_and_no_more():
    async def run() -> int:
        now = [0]
        counted, measure, got = counters(now), rate("requests", 10, 60), 0
        await counted.open()
        for _ in range(6001):  # a tenth of a second each: ten minutes from the first take on
            now[0] += SECOND // 10
            got += (await counted.take([Want(b"n" * 16, measure.cost(1), measure.most)])).grant is not None
        await counted.close()
        return got

    assert asyncio.run(run()) == 10 + 100


@pytest.mark.parametrize(("burst", "at_once"), [(1.0, 100), (0.25, 25), (0.001, 1)])
def test_a_burst_is_a_part_of_the_limit_and_at_least_one(burst, at_once):
    measure = rate("requests", 100, 60, burst)
    assert (measure.at_once, measure.most) == (at_once, at_once * 600_000)


def test_slots_are_counted_as_they_are():
    measure = slots(4)
    assert (measure.held, measure.most, measure.cost(1), measure.left(1)) == (True, 4, 1, 3)
