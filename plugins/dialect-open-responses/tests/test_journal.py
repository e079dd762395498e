"""What a run in the background tells is numbered, written in pieces, and ends once."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from gateway_dialect_open_responses.state.journal import Journal, Resumed
from stately import reply_of

from gateway import Conflict, KeptResponse, Owner, RunStep, Unavailable, sse
from gateway.wire.jsontext import raw

TOLD = {"id": raw("resp_ours")}


class Written:
    """The store's responses, as far as runs write them. away: it cannot be reached. term: of whoever runs it now."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes]] = []
        self.steps: list[RunStep] = []
        self.away = False
        self.term = 0

    async def write(
        self, name: str, frames: Sequence[tuple[int, bytes]], now: float, term: int = 0, step: RunStep | None = None
    ) -> str:
        if self.away:
            raise Unavailable("The store is away.")
        if term != self.term:
            raise Conflict("Taken up.")
        self.frames += frames
        self.steps += [step] if step is not None else []
        return "in_progress"


class Kept:
    def __init__(self) -> None:
        self.responses = Written()
        self.log = logging.getLogger("test")

    def now(self) -> float:
        return 1.0


def journal(resumed: Resumed | None = None) -> tuple[Journal, Written]:
    kept = Kept()
    queued = json.dumps(reply_of(name="resp_ours", status="queued")).encode()
    response = KeptResponse(
        id="resp_ours",
        owner=Owner("ann"),
        dialect="d",
        model="m",
        status="queued",
        created=1.0,
        expires=9.0,
        input=b"[]",
        reply=queued,
    )
    return Journal(kept, response, TOLD, resumed), kept.responses  # type: ignore[arg-type]


def framed(kind: str, number: int | None, **members: Any) -> bytes:
    numbered = {} if number is None else {"sequence_number": number}
    return sse.frame(json.dumps({"type": kind, **numbered, **members}).encode(), kind.encode())


def ended(made: Journal) -> Any:
    assert made.final is not None
    status, reply = made.final
    return status, json.loads(reply)


async def test_events_are_numbered_in_their_order_whoever_numbered_them() -> None:
    made, written = journal()
    for number in (0, 1, 1, None, 7):
        made.put(framed("response.output_text.delta", number, delta="x"))
    made.put(b": ping\n\n")
    assert made.writer.waits
    assert await made.writer.flush() == "in_progress"
    assert [number for number, _ in written.frames] == [0, 1, 2, 3, 7]
    assert [json.loads(sse.data(frame))["sequence_number"] for _, frame in written.frames] == [0, 1, 2, 3, 7]
    assert not made.writer.waits


async def test_the_last_event_is_what_the_run_came_to_and_is_not_written() -> None:
    made, written = journal()
    made.put(framed("response.created", 0, response=reply_of(status="in_progress")))
    made.put(framed("response.completed", 1, response=reply_of("Well.")) + b"data: [DONE]\n\n")
    await made.end()
    made.fail("server_error", "later")
    status, reply = ended(made)
    assert (status, reply["id"], reply["output"][0]["content"][0]["text"]) == ("completed", "resp_ours", "Well.")
    await made.writer.flush()
    assert [json.loads(sse.data(frame))["response"]["id"] for _, frame in written.frames] == ["resp_ours"]


async def test_what_the_store_does_not_take_waits_in_its_place_and_is_bounded() -> None:
    made, written = journal()
    written.away = True
    assert made.put(framed("response.output_text.delta", 0, delta="x"))
    with pytest.raises(Unavailable):
        await made.writer.flush()
    assert not made.put(framed("response.output_text.delta", 1, delta="x" * 2**20))
    written.away = False
    await made.room()
    assert [number for number, _ in written.frames] == [0, 1]
    assert made.put(framed("response.output_text.delta", 2, delta="x"))


async def test_a_step_is_written_with_what_was_told_before_it() -> None:
    made, written = journal()
    made.put(framed("response.output_text.delta", 0, delta="x"))
    assert await made.step(RunStep(0, b"begun")) == "in_progress"
    assert ([number for number, _ in written.frames], written.steps) == ([0], [RunStep(0, b"begun")])
    written.term = 1
    with pytest.raises(Conflict):
        await made.step(RunStep(1, b"turn"))
    assert made.is_taken


async def test_one_that_goes_on_tells_nothing_again_and_numbers_behind_what_was_told() -> None:
    made, written = journal(Resumed(newest=6, has_begun=True))
    made.put(framed("response.output_text.delta", 2, delta="again"))
    made.live()
    made.put(framed("response.in_progress", 3, response=reply_of(status="in_progress")))
    made.put(framed("response.output_text.delta", 4, delta="new"))
    await made.writer.flush()
    assert [(number, json.loads(sse.data(frame))["delta"]) for number, frame in written.frames] == [(7, "new")]


@pytest.mark.parametrize(
    ("how", "code", "message"),
    [
        ("end", "server_error", "The reply ended before it was complete."),
        ("abort", "server_error", "The reply was cut."),
    ],
)
async def test_a_run_that_ends_without_its_last_event_has_failed(how: str, code: str, message: str) -> None:
    made, _ = journal()
    made.put(framed("response.created", 0, response=reply_of(status="in_progress")))
    await made.end() if how == "end" else made.abort()
    status, reply = ended(made)
    assert (status, reply["status"], reply["error"]) == ("failed", "failed", {"code": code, "message": message})


@pytest.mark.parametrize(
    ("status", "body", "came"),
    [
        (200, reply_of(), "completed"),
        (200, reply_of(status="incomplete"), "incomplete"),
        (200, reply_of(status="odd"), "failed"),
        (429, {"error": {"code": "rate_limit_exceeded", "message": "Slower."}}, "failed"),
        (502, "no JSON object", "failed"),
    ],
    ids=["whole", "incomplete", "odd", "refused", "unreadable"],
)
async def test_what_comes_as_one_body_is_what_the_run_came_to(status: int, body: Any, came: str) -> None:
    made, _ = journal()
    await made.whole(status, {}, json.dumps(body).encode())
    found, reply = ended(made)
    assert (found, reply["id"]) == (came, "resp_ours")
    if status == 429:
        assert reply["error"] == body["error"]
