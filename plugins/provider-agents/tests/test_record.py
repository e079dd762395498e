"""What a run writes down is what it finds again, and says from where nobody may go on."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest
from gateway_provider_agents.journal import Book, Journal
from gateway_provider_agents.record import Record, Recording, ResultStep, TurnStep
from msgspec import Raw

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Exchange,
    Finished,
    Idle,
    Opaque,
    Started,
    Steps,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)

PROOF = Opaque("d", "signature", Raw(b'"x"'))


class Written(Steps):
    """In memory."""

    def __init__(self, before: list[bytes] | None = None) -> None:
        self.before = before or []
        self.patience = 1.0
        self.steps: list[tuple[bytes, bool]] = []
        self.is_live = False

    async def write(self, step: bytes, *, safe: bool = True) -> None:
        self.steps.append((step, safe))

    def live(self) -> None:
        self.is_live = True


class Asking:
    """As much of an exchange as is looked at."""

    def __init__(self, steps: Steps | None, parent: Asking | None = None) -> None:
        self.steps, self.parent = steps, parent
        self.spent, self.cost, self.calls = Usage(), 0, 0
        self.attempts: list[Any] = []
        self.id = "ex_1"


def record_of(steps: Steps | None, lasts: bool = True) -> Record:
    return Record(cast(Exchange, Asking(steps)), lasts)


def turn(text: str) -> TurnStep:
    return TurnStep([BlockStart(0, 0, Text()), BlockDelta(0, 0, text), BlockStop(0, 0)], Usage(input=3, output=2), 7, 4)


def test_text_that_came_in_pieces_is_kept_in_one_and_all_else_as_it_came() -> None:
    recording = Recording(True)
    told: list[Any] = [
        Started(created=5),
        BlockStart(0, 0, Text()),
        BlockDelta(0, 0, "a"),
        BlockDelta(0, 0, "b"),
        BlockDelta(0, 0, "", proof=PROOF),
        Idle(),
        BlockDelta(0, 0, "c"),
        BlockStart(0, 1, ToolCall("call_1", "add")),
        BlockDelta(0, 1, '{"a"'),
        BlockDelta(0, 0, "d"),
        BlockDelta(0, 1, ":1}"),
        BlockStop(0, 0),
        BlockStop(0, 1),
        Usage(input=1),
        Finished(reason="tool_calls"),
    ]
    for event in told:
        recording.take(event)
    kept = [event for event in told if not isinstance(event, Idle)]
    kept[2:4] = [BlockDelta(0, 0, "ab")]
    assert recording.events == kept


async def test_what_was_written_is_found_in_its_order_and_what_comes_then_is_new() -> None:
    writing = Written()
    record = record_of(writing)
    assert not record.resumes
    await record.begin()
    await record.write(turn("One"))
    await record.write(ResultStep(ToolResult("call_1", [Text("3")])))
    reading = Written([step for step, _ in writing.steps])
    exchange = Asking(reading)
    again = Record(cast(Exchange, exchange), True)
    assert again.resumes
    await again.begin()
    assert list(again.turn() or ()) == turn("One").events
    assert (exchange.spent, exchange.cost, exchange.calls) == (Usage(input=3, output=2), 7, 4)
    assert not reading.is_live
    assert [(result.call_id, reading.is_live) for result in again.results()] == [("call_1", True)]
    assert again.turn() is None
    assert reading.steps == []


async def test_a_turn_that_was_the_last_step_is_known_before_what_comes_is_new() -> None:
    writing = Written()
    record = record_of(writing)
    await record.begin()
    await record.write(turn("One"))
    reading = Written([step for step, _ in writing.steps])
    again = record_of(reading)
    await again.begin()
    for _ in again.turn() or ():
        assert not reading.is_live
    assert reading.is_live
    assert list(again.results()) == []


@pytest.mark.parametrize("steps", [None, Written()], ids=["no_steps", "calls_are_forgotten"])
async def test_where_nobody_could_go_on_nothing_is_written(steps: Written | None) -> None:
    record = record_of(steps, lasts=False)
    await record.begin()
    await record.unsafe()
    await record.write(turn("One"))
    assert record.turn() is None
    assert steps is None or steps.steps == []


async def test_what_an_asked_agent_did_makes_all_unsafe_until_the_next_turn() -> None:
    """It is in no step of who asked, so that nothing may be asked again."""
    steps = Written()
    root = Asking(steps)
    record = Record(cast(Exchange, root), True)
    await record.begin()
    book = Book(cast(Any, None), lambda: 0.0, 1.0, 1.0, logging.getLogger("test"))
    await Journal(book, cast(Exchange, Asking(None, root)), "agent_inner")._tell_root()
    await record.write(ResultStep(ToolResult("call_1")))
    await record.write(turn("Two"))
    await Journal(book, cast(Exchange, root), "agent_outer")._tell_root()
    await record.write(ResultStep(ToolResult("call_2")))
    assert [safe for _, safe in steps.steps] == [True, False, False, True, True]
