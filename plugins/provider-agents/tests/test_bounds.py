"""How far a run goes: by the agent, the gateway's settings, and librechat.yaml."""

from __future__ import annotations

import pytest
from gateway_provider_agents.bounds import Bounds, Count
from gateway_provider_agents.run_settings import LibreChatAgents, RunSettings

from gateway import Exchange, Usage
from gateway.testing import replay
from gateway.testing.toy import ToyServer


def exchange() -> Exchange:
    server = ToyServer()
    return Exchange(replay.inbound(server, b'{"text": "Hi"}'), server)


@pytest.mark.parametrize(
    ("agent", "ours", "librechat", "most", "steps"),
    [
        (None, None, None, None, 25),
        (7, 9, 11, None, 7),
        (None, 9, 11, None, 9),
        (None, None, 11, None, 11),
        (70, None, None, 50, 50),
        (None, None, None, 10, 10),
    ],
)
def test_the_nearest_says_how_many_steps_and_none_passes_the_most(
    agent: int | None, ours: int | None, librechat: int | None, most: int | None, steps: int
) -> None:
    limits = LibreChatAgents(recursion_limit=librechat, max_recursion_limit=most)
    assert Bounds.of(RunSettings(steps=ours), limits, agent).steps == steps


def test_a_round_of_tools_needs_a_turn_behind_it() -> None:
    count = Count(Bounds(5), exchange())
    reached = []
    for _ in range(3):
        count.steps += 1
        reached.append(count.reached(1))
        count.steps += 1
    assert reached == [None, None, "recursion_limit"]


def test_each_bound_is_named() -> None:
    asked = exchange()
    asked.spent, asked.cost = Usage(input=60, output=40), 5_000
    assert Count(Bounds(25, tokens=100), asked).reached(1) == "token_limit"
    assert Count(Bounds(25, tokens=101), asked).reached(1) is None
    assert Count(Bounds(25, cost=5_000), asked).reached(1) == "cost_limit"
    assert Count(Bounds(25, calls=2), asked).reached(3) == "call_limit"
    assert Count(Bounds(25, calls=2), asked).reached(2) is None
    assert Count(Bounds(25, seconds=1e-9), asked).reached(1) == "time_limit"


def test_what_a_subagent_takes_is_of_the_whole_run() -> None:
    whole, inner = exchange(), exchange()
    inner.parent = whole
    whole.spent, inner.spent = Usage(input=60), Usage(output=30)
    count = Count(Bounds(25, tokens=100, calls=3), inner)
    assert count.tokens == 10
    assert (count.take(2), count.take(1), whole.calls, inner.calls) == (1, 3, 3, 3)
    assert Count(Bounds(25, calls=3), whole).reached(1) == "call_limit"


def test_the_time_of_a_run_is_the_deadline_of_its_exchange_and_never_later_than_its_parents() -> None:
    asked = exchange()
    asked.deadline = 1.0
    Count(Bounds(25, seconds=1e6), asked)
    assert asked.deadline == 1.0
