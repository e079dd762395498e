"""Slots: as many as there are, in all processes together; they come back, whatever becomes of their holders."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import tempfile
from pathlib import Path
from typing import Any

import pytest
from gateway_permission_limits.local import LocalCounters
from gateway_permission_limits.memory import Clock, Shape
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway import Grant, Want

MOST = 3
LEASE = 8.0
NAME = b"s" * 16


def want(most: int = MOST, name: bytes = NAME) -> Want:
    return Want(name, 1, most, held=True)


async def granted(counters: LocalCounters, most: int = MOST) -> Grant | None:
    return (await counters.take([want(most)])).grant


async def test_there_are_so_many_and_what_is_given_back_can_be_had_again(opened: Any) -> None:
    one, other = await opened(), await opened()
    grants = [await granted(one), await granted(other), await granted(one)]
    assert all(grants)
    assert await granted(other) is None
    grants[1].settle([1])  # type: ignore[union-attr]
    assert await granted(one)
    assert await granted(one) is None


async def test_what_a_process_held_that_was_killed_comes_back_by_itself(opened: Any, time: Any) -> None:
    killed, other = await opened(), await opened()
    assert [bool(await granted(killed)) for _ in range(MOST)] == [True] * MOST
    time.pass_(LEASE - 0.1)
    assert await granted(other) is None
    time.pass_(LEASE / 4 + 0.1)
    assert [bool(await granted(other)) for _ in range(MOST + 1)] == [True] * MOST + [False]


async def test_what_is_renewed_stays_taken(opened: Any, time: Any) -> None:
    holder, other = await opened(), await opened()
    assert [bool(await granted(holder)) for _ in range(MOST)] == [True] * MOST
    for _ in range(50):
        time.pass_(LEASE / 4)
        await holder.renew()
        assert await granted(other) is None


async def test_who_stood_still_for_longer_than_a_lease_counts_again_when_it_goes_on(opened: Any, time: Any) -> None:
    frozen, other = await opened(), await opened()
    held = [await granted(frozen) for _ in range(2)]
    time.pass_(3 * LEASE)
    others = [await granted(other) for _ in range(2)]
    assert all(others)
    await frozen.renew()
    assert (await other.take([want(10)])).used == [2 + 2 + 1]
    for grant in held + others:
        grant.settle([1])  # type: ignore[union-attr]
    assert (await other.take([want(10)])).used == [1 + 1]


async def test_a_slot_that_had_expired_takes_none_of_anothers_with_it(opened: Any, time: Any) -> None:
    frozen, other = await opened(), await opened()
    held = await granted(frozen)
    assert held
    time.pass_(2 * LEASE)
    assert [bool(await granted(other)) for _ in range(MOST)] == [True] * MOST
    held.settle([1])
    assert await granted(other) is None


async def test_many_are_renewed_without_the_lock_for_long(opened: Any, time: Any) -> None:
    holder, other = await opened(callers=65536), await opened(callers=65536)
    names = [hashlib.blake2b(bytes(number), digest_size=16).digest() for number in range(1000)]
    for name in names:
        assert (await holder.take([want(1, name)])).grant
    renewal = asyncio.create_task(holder.renew())
    await asyncio.sleep(0)
    assert not renewal.done()
    assert (await other.take([want(1, names[0])])).grant is None
    await renewal
    time.pass_(LEASE - 0.1)
    assert [name for name in names if (await other.take([want(1, name)])).grant] == []


class Machine(RuleBasedStateMachine):
    """Processes over one file: they take, give back, renew, are killed and replaced; time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.now = 10**12

    @initialize()
    def begin(self) -> None:
        self.processes = [self.process() for _ in range(3)]
        self.held: list[list[tuple[Grant, int]]] = [[], [], []]
        self.killed: list[int] = []

    def process(self) -> LocalCounters:
        clock = Clock(lambda: self.now * 1000, lambda: self.now * 1000)
        shape = Shape(1024, round(LEASE * 10**6))
        found = LocalCounters(Path(self.folder.name), shape, 1, logging.getLogger("test"), clock)
        self.runner.run(found.open())
        return found

    @rule(number=st.integers(0, 2))
    def take(self, number: int) -> None:
        grant = self.runner.run(granted(self.processes[number]))
        if grant is None:
            assert self.running + len(self.killed) >= MOST, "a slot is lost"
        else:
            assert self.running < MOST, "one too many"
            self.held[number].append((grant, self.now))

    @rule(number=st.integers(0, 2), which=st.integers(0, MOST))
    def give(self, number: int, which: int) -> None:
        if which < len(self.held[number]):
            self.held[number].pop(which)[0].settle([1])

    @precondition(lambda self: any(self.held))
    @rule(number=st.integers(0, 2))
    def kill(self, number: int) -> None:
        self.killed += [self.now] * len(self.held[number])
        self.held[number] = []
        self.processes[number] = self.process()

    @rule(span=st.integers(1, round(LEASE * 10**6 / 4)))
    def time_passes(self, span: int) -> None:
        """Whoever lives renews in time."""
        self.now += span
        for process in self.processes:
            self.runner.run(process.renew())

    @property
    def running(self) -> int:
        return sum(map(len, self.held))

    @invariant()
    def the_killed_ones_are_gone_after_a_lease(self) -> None:
        self.killed = [at for at in getattr(self, "killed", []) if self.now - at <= LEASE * 10**6 * 5 / 4]

    def teardown(self) -> None:
        self.runner.close()
        self.folder.cleanup()


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("most", [1, 1000, 2**21])
async def test_large_numbers_are_counted_too(opened: Any, most: int) -> None:
    counters = await opened()
    for _ in range(min(most, 1000)):
        assert await granted(counters, most)
    assert bool(await granted(counters, most)) is (most > 1000)
