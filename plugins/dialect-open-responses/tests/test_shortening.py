"""What a call continues is summed up where it is too much, and the summary stands first in the reply."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_open_responses.state.sealing import Seals
from gateway_dialect_open_responses.state.shortening import FirstItemSink, shortening, threshold_of
from msgspec import Raw
from stately import Heard, reply_of

from gateway import BadCall, Owner, sse, vault_of
from gateway.wire.jsontext import raw
from gateway.wire.members import Members

Json = dict[str, Any]
ANN, SEALS = Owner("ann"), Seals(vault_of("0" * 64))
ITEM = raw({"type": "compaction", "id": "cmp_1", "encrypted_content": "S"})


@pytest.mark.parametrize(
    ("asked", "most", "left"),
    [
        ({}, None, False),
        ({"context_management": None}, None, True),
        ({"context_management": [{"type": "other", "compact_threshold": 7}]}, None, True),
        ({"context_management": [{"type": "compaction"}]}, None, True),
        ({"context_management": [{"type": "other"}, {"type": "compaction", "compact_threshold": 7}]}, 7, False),
    ],
    ids=["nothing", "null", "other", "no-limit", "limit"],
)
def test_a_limit_is_taken_out_where_there_is_one(asked: Json, most: int | None, left: bool) -> None:
    members = Members({name: raw(value) for name, value in asked.items()})
    assert threshold_of(members) == most
    assert ("context_management" in members.rest()) is left


def test_a_limit_that_is_no_number_is_refused_by_its_path() -> None:
    with pytest.raises(BadCall) as caught:
        threshold_of(Members({"context_management": raw([{"type": "compaction", "compact_threshold": "x"}])}))
    assert caught.value.param == "context_management[0].compact_threshold"


def said(role: str, size: int) -> Raw:
    return raw({"type": "message", "role": role, "content": "x" * size})


CALL = raw({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"})


@pytest.mark.parametrize(
    ("items", "tail"),
    [
        ([said("user", 400), said("assistant", 400), said("user", 10), CALL], 2),
        ([said("user", 100), said("user", 1000)], None),
        ([said("user", 200), said("user", 10)], None),
        ([said("assistant", 2000)], None),
    ],
    ids=["long", "long-last-turn", "short", "no-user"],
)
def test_what_came_before_the_last_turn_is_summed_up_where_that_helps(items: list[Raw], tail: int | None) -> None:
    made = shortening(items, 100, Members({"model": raw("m")}), False, SEALS, ANN)
    assert (None if made is None else len(made.tail)) == tail
    if made is not None:
        asked = json.loads(made.question)["input"][0]["content"][0]["text"]
        assert asked.count("x" * 400) == 2
        assert "calls f" not in asked


def framed(kind: str, number: int, **members: Any) -> bytes:
    return sse.frame(json.dumps({"type": kind, "sequence_number": number, **members}).encode(), kind.encode())


def events(body: bytes) -> list[Json]:
    return [json.loads(sse.data(event)) for event in sse.events(body) if sse.data(event) not in (b"", b"[DONE]")]


@pytest.mark.parametrize("items", [True, False], ids=["before-others", "alone"])
def test_a_stream_tells_it_before_everything_else(items: bool) -> None:
    heard = Heard()
    sink = FirstItemSink(heard, ITEM)
    sink.put(framed("response.created", 0, response=reply_of(status="in_progress", output=[])) + b": ping\n\n")
    if items:
        sink.put(framed("response.output_item.added", 1, output_index=0, item={}))
        sink.put(framed("response.output_text.delta", 2, output_index=0, delta="x"))
    sink.put(framed("response.completed", 3, response=reply_of()) + b"data: [DONE]\n\n")
    told = events(heard.body)
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    assert [(event["type"], event["output_index"]) for event in told if "output_index" in event] == [
        ("response.output_item.added", 0),
        ("response.output_item.done", 0),
        *([("response.output_item.added", 1), ("response.output_text.delta", 1)] if items else ()),
    ]
    assert [item["type"] for item in told[-1]["response"]["output"]] == ["compaction", "message"]
    assert heard.body.endswith(b"data: [DONE]\n\n")
    assert b": ping" in heard.body


async def test_a_whole_reply_has_it_first_and_a_refusal_does_not() -> None:
    heard = Heard()
    await FirstItemSink(heard, ITEM).whole(200, {}, json.dumps(reply_of()).encode())
    assert [item["type"] for item in heard.json["output"]] == ["compaction", "message"]
    await FirstItemSink(heard, ITEM).whole(400, {}, b'{"error": {}}')
    assert heard.json == {"error": {}}
