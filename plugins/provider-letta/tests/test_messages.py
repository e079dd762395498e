"""What the REST API says, to events: by what was observed, and by recordings where they are at hand."""

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from gateway_provider_letta.messages import MessageReader
from hypothesis import given
from hypothesis import strategies as st

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Failed,
    Finished,
    Idle,
    Reasoning,
    Started,
    Text,
    ToolCall,
    ToolResult,
    UpstreamBroken,
    Usage,
    sse,
)

RUN = {"run_id": "run-1", "date": "2026-11-20T14:09:46+00:00", "otid": None, "sender_id": None, "is_err": None}
END = {"message_type": "stop_reason", "stop_reason": "end_turn"}
COUNTS = {
    "message_type": "usage_statistics",
    "completion_tokens": 14,
    "prompt_tokens": 22,
    "total_tokens": 36,
    "step_count": 2,
    "cached_input_tokens": None,
    "cache_write_tokens": None,
    "reasoning_tokens": None,
    "context_tokens": 18,
}


def message(kind, identity="message-1", **members):
    return {"id": identity, **RUN, "message_type": kind, **members}


def called(**members):
    return message("tool_call_message", tool_call=members, tool_calls=members)


OBSERVED = [
    message("ping", "ping-1"),
    message("reasoning_message", source="reasoner_model", reasoning="thinking ", signature=None),
    message("reasoning_message", source="reasoner_model", reasoning="hard", signature=None),
    called(name="conversation_search", tool_call_id="call_5"),
    called(arguments='{"query"', tool_call_id="call_5"),
    called(arguments=': "hi"}', tool_call_id="call_5"),
    message(
        "tool_return_message",
        "message-2",
        name="conversation_search",
        tool_return="none",
        status="success",
        tool_call_id="call_5",
        stdout=None,
        stderr=None,
        tool_returns=[{"type": "tool", "tool_return": "none", "status": "success", "tool_call_id": "call_5"}],
    ),
    message("ping", "ping-2"),
    message("assistant_message", "message-3", content="Hello"),
    message("assistant_message", "message-3", content=[{"type": "text", "text": " from"}]),
    END,
    COUNTS,
]


def read(*frames, done=True, streams=False):
    reader, events = MessageReader(streams), []
    for frame in frames:
        name, payload = frame if isinstance(frame, tuple) else (b"", frame)
        events += reader.read(json.dumps(payload).encode(), name)
    events += reader.read(b"[DONE]", b"") if done and not reader.ended else []
    if not reader.ended:
        events += reader.finish()
    return events


PINGS = [message("ping", f"ping-{number}") for number in range(3)]
WRONG = (b"error", message("error_message", error_type="llm_error", message="exploded"))


def test_a_client_that_waits_for_a_stream_is_told_that_it_goes_on():
    assert read(*PINGS, message("assistant_message", content="Hi"), PINGS[0], END, streams=True) == [
        Started("run-1"),
        Idle(),
        Idle(),
        BlockStart(0, 0, Text()),
        BlockDelta(0, 0, "Hi"),
        Idle(),
        BlockStop(0, 0),
        Finished(0, "stop"),
    ]
    told = read(*PINGS, WRONG, streams=True)
    assert [type(event) for event in told] == [Started, Idle, Idle, Failed], "it has a status already"


def test_what_fails_behind_the_first_ping_or_where_nothing_streams_has_a_status():
    for frames, streams in ((PINGS[:1], True), (PINGS, False)):
        with pytest.raises(UpstreamBroken, match="exploded"):
            read(*frames, WRONG, streams=streams)


def test_thoughts_tools_and_texts_are_told_and_tools_ran_there():
    assert read(*OBSERVED) == [
        Started("run-1"),
        BlockStart(0, 0, Reasoning()),
        BlockDelta(0, 0, "thinking "),
        BlockDelta(0, 0, "hard"),
        BlockStop(0, 0),
        BlockStart(0, 1, ToolCall("call_5", "conversation_search", executor="upstream")),
        BlockDelta(0, 1, '{"query"'),
        BlockDelta(0, 1, ': "hi"}'),
        BlockStop(0, 1),
        BlockStart(0, 2, ToolResult("call_5", [Text("none")])),
        BlockStop(0, 2),
        Idle(),
        BlockStart(0, 3, Text()),
        BlockDelta(0, 3, "Hello"),
        BlockDelta(0, 3, " from"),
        Usage(input=22, output=14),
        BlockStop(0, 3),
        Finished(0, "stop"),
    ]


def returned(name, status):
    return {"type": "tool", "tool_return": name, "status": status, "tool_call_id": name}


def test_several_calls_at_once_are_several():
    calls = [{"name": name, "arguments": "{}", "tool_call_id": name} for name in ("a", "b")]
    returns = [returned("a", "success"), returned("b", "error")]
    events = read(
        message("tool_call_message", tool_call=calls[0], tool_calls=calls),
        message("tool_return_message", tool_return="a", status="success", tool_call_id="a", tool_returns=returns),
        END,
    )
    blocks = [event.block for event in events if isinstance(event, BlockStart)]
    assert [block.id for block in blocks[:2]] == ["a", "b"]
    assert [(block.call_id, block.is_error) for block in blocks[2:]] == [("a", False), ("b", True)]
    assert sorted(event.index for event in events if isinstance(event, BlockStop)) == [0, 1, 2, 3]


def test_cached_tokens_are_counted_apart():
    counts = COUNTS | {"cached_input_tokens": 5, "cache_write_tokens": 7, "reasoning_tokens": 3}
    [usage] = [event for event in read(END, counts) if isinstance(event, Usage)]
    assert usage == Usage(input=10, cache_read=5, cache_write_5m=7, output=14, reasoning=3)


def test_nothing_but_zeros_is_nothing_reported():
    events = read(END, COUNTS | {"prompt_tokens": 0, "completion_tokens": 0})
    assert not [event for event in events if isinstance(event, Usage)]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("tool_rule", "stop"),
        ("no_tool_call", "stop"),
        ("max_steps", "length"),
        ("max_tokens_exceeded", "length"),
        ("cancelled", "cancelled"),
        ("requires_approval", "pause"),
        ("context_window_overflow_in_system_prompt", "context_length"),
        ("something_new", "stop"),
    ],
)
def test_why_it_ended_is_told(word, reason):
    last = read(OBSERVED[8], END | {"stop_reason": word})[-1]
    assert last == Finished(0, reason, None if word == "end_turn" else word)


def test_what_waits_for_approval_is_shown_and_did_not_run():
    call = {"name": "Bash", "arguments": '{"command": "ls"}', "tool_call_id": "call_6"}
    asks = message("approval_request_message", tool_call=call, tool_calls=[call])
    events = read(asks, END | {"stop_reason": "requires_approval"})
    assert events[1].block == ToolCall("call_6", "Bash", executor="upstream")
    assert not any(isinstance(event, BlockStart) and isinstance(event.block, ToolResult) for event in events)
    assert events[-1].reason == "pause"


WRONG = {"message_type": "error_message", "error_type": "llm_error", "message": "agent exploded", "detail": "x"}
FAULT = {"message_type": "stop_reason", "stop_reason": "llm_api_error"}


def test_what_fails_before_it_says_anything_can_be_asked_of_another():
    with pytest.raises(UpstreamBroken, match="agent exploded"):
        read(OBSERVED[0], FAULT, (b"error", WRONG))
    with pytest.raises(UpstreamBroken, match="llm_api_error"):
        read(OBSERVED[0], FAULT)


def test_what_fails_later_is_told_in_the_stream():
    events = read(OBSERVED[8], FAULT, (b"error", WRONG))
    assert isinstance(events[-1], Failed)
    assert events[-1].error.public == "agent exploded"
    assert isinstance(events[-2], BlockStop)
    assert isinstance(read(OBSERVED[8], FAULT)[-1], Failed)


def test_a_stream_that_is_cut_is_no_end():
    assert isinstance(read(OBSERVED[8], done=False)[-1], Failed)
    with pytest.raises(UpstreamBroken, match="before it was complete"):
        read(OBSERVED[0], done=False)
    assert isinstance(read(OBSERVED[8], END, done=False)[-1], Finished), "its reason is an end"


@pytest.mark.parametrize("kind", ["user_message", "system_message", "summary_message", "event_message", "brand_new"])
def test_what_nobody_knows_or_needs_does_no_harm(kind):
    strange = message(kind, content={"a": 1}, reasoning=7, tool_call="x", status=[], detail={})
    assert read(strange, *OBSERVED) == read(*OBSERVED)


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
MEMBERS = {"assistant_message": "content", "reasoning_message": "reasoning", "stop_reason": "stop_reason"}


@given(st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2)))
def test_members_of_other_types_are_a_broken_upstream_and_no_fault(value):
    for kind, member in MEMBERS.items():
        with suppress(UpstreamBroken):
            list(MessageReader().read(json.dumps({"message_type": kind, member: value}).encode(), b""))


RECORDED = ["05_messages_stream_steps", "06_messages_stream_tokens", "07_messages_streaming_flag"]


def recordings():
    shared = Path(os.environ.get("GATEWAY_SHARED") or Path(__file__).resolve().parents[4] / "shared")
    return shared / "upstreams" / "letta" / "recorded_rest"


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("size", [0, 1, 7])
def test_recorded_streams_are_understood_however_they_are_cut(name, size):
    file = recordings() / f"{name}.json"
    if not file.exists():
        pytest.skip("the shared recordings are not here (GATEWAY_SHARED, or ../shared beside the checkout)")
    body = json.loads(file.read_text())["response"]["body"].encode()
    splitter, reader, events = sse.Splitter(), MessageReader(), []
    for piece in [body] if not size else [body[at : at + size] for at in range(0, len(body), size)]:
        for event in sse.events(splitter.whole(piece)):
            if payload := sse.data(event):
                events += reader.read(payload, sse.named(event))
    text = "".join(event.text for event in events if isinstance(event, BlockDelta))
    assert text == "Hi there! How can I help you today? 你好"
    assert isinstance(events[0], Started)
    assert events[-1] == Finished(0, "stop")
    [usage] = [event for event in events if isinstance(event, Usage)]
    assert usage.output == 10
    assert reader.run_id.startswith("run-")
