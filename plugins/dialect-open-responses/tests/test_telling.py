"""A reply on its way to its client: what is told of it, when it is kept, and what its end waits for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_open_responses.state.telling import UNKEPT, KeepingSink, KeptFirstSink, Retold
from stately import Heard, reply_of

from gateway import Extra, sse
from gateway.wire.jsontext import raw

Json = dict[str, Any]
TOLD: Extra = {"id": raw("resp_ours"), "store": raw(True)}


def framed(kind: str, **members: Any) -> bytes:
    return sse.frame(json.dumps({"type": kind, **members}).encode(), kind.encode())


CREATED = framed("response.created", sequence_number=0, response=reply_of(status="in_progress"))
DELTA = framed("response.output_text.delta", sequence_number=1, delta='a "response"')
COMPLETED = framed("response.completed", sequence_number=2, response=reply_of())
FAILED = framed("response.failed", sequence_number=2, response=reply_of(status="failed"))
DONE = b"data: [DONE]\n\n"
STREAM = CREATED + DELTA + COMPLETED + DONE


def events(body: bytes) -> list[Json]:
    return [json.loads(sse.data(event)) for event in sse.events(body) if sse.data(event) not in (b"", b"[DONE]")]


class Keeper:
    """kept: what came to be kept, and what its client had read by then."""

    def __init__(self, can: bool = True) -> None:
        self.heard = Heard()
        self.kept: list[tuple[Json, str, bytes]] = []
        self._can = can

    def keep(self, reply: bytes, status: str) -> bool:
        self.kept.append((json.loads(reply), status, self.heard.body))
        return self._can

    async def keep_first(self, reply: bytes, status: str) -> bool:
        return self.keep(reply, status)


@pytest.mark.parametrize("told", [TOLD, {}], ids=["told", "untouched"])
def test_the_last_event_is_told_at_once_and_found_before_it_is(told: Extra) -> None:
    keeper = Keeper()
    sink = KeepingSink(keeper.heard, told, keeper.keep)
    for piece in (CREATED, DELTA):
        sink.put(piece)
    before = keeper.heard.body
    sink.put(COMPLETED)
    seen = keeper.heard.body
    assert events(seen)[-1]["type"] == "response.completed"
    [(reply, status, then)] = keeper.kept
    assert (reply["id"], status, then) == ("resp_ours" if told else "resp_up1", "completed", before)
    sink.put(DONE)
    assert (keeper.heard.body == STREAM) is not bool(told)
    assert {one["response"]["id"] for one in events(seen) if "response" in one} == {reply["id"]}
    assert DELTA in seen
    assert len(keeper.kept) == 1


@pytest.mark.parametrize(("unkept", "store"), [(UNKEPT, False), ({}, True)], ids=["said", "untouched"])
def test_what_cannot_be_kept_is_told_so_where_that_is_ours_to_say(unkept: Extra, store: bool) -> None:
    keeper = Keeper(can=False)
    KeepingSink(keeper.heard, {}, keeper.keep, unkept).put(STREAM)
    assert events(keeper.heard.body)[-1]["response"]["store"] is store
    assert (keeper.heard.body == STREAM) is store


async def test_a_conversation_has_what_was_said_before_its_end_is_told() -> None:
    keeper = Keeper()
    sink = KeptFirstSink(keeper.heard, TOLD, keeper.keep_first)
    sink.put(STREAM)
    assert "response.completed" not in keeper.heard.body.decode()
    await sink.end()
    assert events(keeper.heard.body)[-1]["response"]["store"] is True
    assert b"response.completed" not in keeper.kept[0][2]
    assert keeper.heard.body.endswith(DONE)
    assert keeper.heard.ended


def test_what_is_cut_is_not_said_in_a_conversation() -> None:
    keeper = Keeper()
    sink = KeptFirstSink(keeper.heard, TOLD, keeper.keep_first)
    sink.put(CREATED + COMPLETED)
    sink.abort()
    assert (keeper.kept, keeper.heard.aborted) == ([], True)
    assert events(keeper.heard.body)[-1]["response"]["store"] is False


@pytest.mark.parametrize("first", [False, True], ids=["behind", "before"])
async def test_what_failed_is_not_kept(first: bool) -> None:
    keeper = Keeper()
    made = (KeptFirstSink(keeper.heard, TOLD, keeper.keep_first), KeepingSink(keeper.heard, TOLD, keeper.keep))
    sink = made[0] if first else made[1]
    sink.put(CREATED + FAILED)
    await sink.end()
    last = events(keeper.heard.body)[-1]["response"]
    assert (last["id"], last["store"], keeper.kept) == ("resp_ours", False, [])


@pytest.mark.parametrize(
    ("status", "body", "store"),
    [
        (200, reply_of(), True),
        (200, reply_of(status="incomplete"), True),
        (200, reply_of(status="failed"), False),
        (400, {"error": {"message": "No."}}, None),
    ],
    ids=["completed", "incomplete", "failed", "refused"],
)
async def test_a_whole_body_is_told_and_kept_alike(status: int, body: Json, store: bool | None) -> None:
    for kind in (KeepingSink, KeptFirstSink):
        keeper = Keeper()
        keep: Any = keeper.keep if kind is KeepingSink else keeper.keep_first
        await kind(keeper.heard, TOLD, keep).whole(status, {}, json.dumps(body).encode())
        assert keeper.heard.json == (body if store is None else body | {"id": "resp_ours", "store": store})
        assert len(keeper.kept) == bool(store)


def test_pieces_that_are_no_responses_pass() -> None:
    odd = sse.frame(b'{"type": "x", "response": 7, broken', b"x") + framed("response.queued") + b": ping\n\n"
    retold = Retold(TOLD)
    assert retold.take(odd) == odd
    assert retold.ending({}) == b""
