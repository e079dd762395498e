"""What the App Server says, to events: as `letta` 0.34.12 was observed, and by a recording where it is at hand."""

import json
import os
from pathlib import Path

import pytest
from gateway_provider_letta.answers import AnswerReader

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Failed,
    Finished,
    Reasoning,
    Started,
    Text,
    ToolCall,
    ToolResult,
    UpstreamBroken,
    Usage,
    sse,
)

USAGE = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18, "output_tokens_details": {"reasoning_tokens": 2}}
ANSWER = {"id": "resp_1", "created_at": 5, "model": "demo", "error": None}
BEGUN = {"type": "response.created", "response": {**ANSWER, "usage": None}}
ENDED = {"type": "response.completed", "response": {**ANSWER, "usage": USAGE}}


def added(kind, identity, **members):
    return {"type": "response.output_item.added", "item": {"type": kind, "id": identity, **members}}


def call(identity, call_id):
    return added("function_call", identity, call_id=call_id, name="Bash", arguments="", status="in_progress")


def output(call_id, text, status="completed"):
    told = [{"type": "input_text", "text": text}]
    return added("function_call_output", "fco", call_id=call_id, output=told, status=status)


def delta(kind, identity, text):
    return {"type": f"response.{kind}.delta", "item_id": identity, "delta": text}


def argued(identity, text):
    return {"type": "response.function_call_arguments.done", "item_id": identity, "name": "Bash", "arguments": text}


def read(*frames):
    reader, events = AnswerReader(), []
    for frame in frames:
        events += reader.read(json.dumps(frame).encode(), frame["type"].encode())
    if not reader.ended:
        events += reader.finish()
    return events


def test_thoughts_tools_and_texts_are_told_and_tools_ran_there():
    arguments = '{"command":"echo tool-ran"}'
    assert read(
        BEGUN,
        {"type": "response.in_progress", "response": BEGUN["response"]},
        added("reasoning", "rs_1", status="in_progress", summary=[]),
        delta("reasoning_summary_text", "rs_1", "hm"),
        call("fc_1", "call_1"),
        delta("function_call_arguments", "fc_1", arguments),
        argued("fc_1", arguments),
        output("call_1", "tool-ran\n"),
        added("message", "msg_1", status="in_progress", content=[]),
        delta("output_text", "msg_1", "Hel"),
        delta("output_text", "msg_1", "lo"),
        ENDED,
    ) == [
        Started("resp_1", "demo", 5),
        BlockStart(0, 0, Reasoning(summary=True)),
        BlockDelta(0, 0, "hm"),
        BlockStop(0, 0),
        BlockStart(0, 1, ToolCall("call_1", "Bash", executor="upstream")),
        BlockDelta(0, 1, arguments),
        BlockStop(0, 1),
        BlockStart(0, 2, ToolResult("call_1", [Text("tool-ran\n")])),
        BlockStop(0, 2),
        BlockStart(0, 3, Text()),
        BlockDelta(0, 3, "Hel"),
        BlockDelta(0, 3, "lo"),
        BlockStop(0, 3),
        Usage(input=11, output=7, reasoning=2),
        Finished(0, "stop"),
    ]


def test_calls_side_by_side_keep_their_arguments():
    events = read(
        BEGUN,
        call("fc_1", "a"),
        call("fc_2", "b"),
        delta("function_call_arguments", "fc_2", "2"),
        delta("function_call_arguments", "fc_1", "1"),
        argued("fc_1", "1"),
        output("b", "two"),
        output("a", "one", "incomplete"),
        ENDED,
    )
    said = {event.index: event.text for event in events if isinstance(event, BlockDelta)}
    assert said == {0: "1", 1: "2"}
    results = [event.block for event in events if isinstance(event, BlockStart) and isinstance(event.block, ToolResult)]
    assert [(one.call_id, one.is_error) for one in results] == [("b", False), ("a", True)]


def test_arguments_that_come_at_once_are_not_lost():
    events = read(BEGUN, call("fc_1", "a"), argued("fc_1", '{"x":1}'), output("a", "one"), ENDED)
    assert [event.text for event in events if isinstance(event, BlockDelta)] == ['{"x":1}']


def test_nothing_but_zeros_is_nothing_reported():
    ended = {"type": "response.completed", "response": {"usage": {"input_tokens": 0, "output_tokens": 0}}}
    assert not [event for event in read(BEGUN, ended) if isinstance(event, Usage)]


FAILED = {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "agent turn failed"}}}


def test_what_fails_before_it_says_anything_can_be_asked_of_another():
    with pytest.raises(UpstreamBroken, match="agent turn failed"):
        read(BEGUN, FAILED)
    with pytest.raises(UpstreamBroken, match="before it was complete"):
        read(BEGUN)


def test_what_fails_later_is_told_in_the_stream():
    events = read(BEGUN, delta("output_text", "msg_1", "Hel"), FAILED)
    assert isinstance(events[-1], Failed)
    assert isinstance(read(BEGUN, delta("output_text", "msg_1", "Hel"))[-1], Failed)


def test_what_nobody_knows_does_no_harm():
    strange = {"type": "response.brand_new", "thing": [1]}
    assert read(BEGUN, strange, ENDED) == read(BEGUN, ENDED)


def test_a_recorded_stream_is_understood():
    shared = Path(os.environ.get("GATEWAY_SHARED") or Path(__file__).resolve().parents[4] / "shared")
    file = shared / "upstreams" / "letta" / "recorded" / "09_responses_stream.json"
    if not file.exists():
        pytest.skip("the shared recordings are not here (GATEWAY_SHARED, or ../shared beside the checkout)")
    reader, events = AnswerReader(), []
    for event in sse.events(json.loads(file.read_text())["response"]["body"].encode()):
        events += reader.read(sse.data(event), sse.named(event))
    text = "".join(event.text for event in events if isinstance(event, BlockDelta))
    assert text == "Hi there! How can I help you today? 你好"
    assert Usage(input=8546, output=10, reasoning=0) in events
    assert reader.ended
