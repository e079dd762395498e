"""Events to LettaBot's replies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Finished,
    Image,
    Reasoning,
    Started,
    Text,
    ToolCall,
    ToolResult,
    UpstreamBroken,
    Usage,
    sse,
)
from gateway.testing.conformance.replies import replies


def block(index, of, *texts, choice=0):
    return [
        BlockStart(choice, index, of),
        *(BlockDelta(choice, index, text) for text in texts),
        BlockStop(choice, index),
    ]


RUN = [
    Started("r1", "m", 1),
    *block(0, Reasoning(), "thinking..."),
    *block(1, Text(), "Hello "),
    *block(2, ToolCall("tc_1", "Bash", executor="upstream"), '{"command":', '"ls"}'),
    *block(3, ToolResult("tc_1", [Text("file")])),
    *block(4, Text(), "wor", "ld"),
    Usage(input=11, cache_read=4, output=7, reasoning=2),
    Finished(0, "stop"),
]
USAGE = {"promptTokens": 15, "completionTokens": 7, "totalTokens": 22, "reasoningTokens": 2}


def encoder(server, ask, framing="sse"):
    return server.encoder(Call("Poet"), ask(message="Hi"), framing)


def told(data):
    return [json.loads(sse.data(event)) for event in sse.events(data) if sse.data(event)]


def streamed(server, ask, events):
    encoding = encoder(server, ask)
    data = b"".join(encoding.encode(event) for event in events)
    return told(data + encoding.finish()), encoding


def test_a_stream_has_lettabots_events_in_their_order(server, ask):
    events, encoding = streamed(server, ask, RUN)
    assert events == [
        {"type": "init", "uuid": "r1", "runId": "r1"},
        {"type": "reasoning", "content": "thinking...", "uuid": "r1-0"},
        {"type": "assistant", "content": "Hello ", "uuid": "r1-1"},
        {"type": "tool_call", "toolCallId": "tc_1", "toolName": "Bash", "toolInput": {"command": "ls"}, "uuid": "r1-2"},
        {"type": "tool_result", "toolCallId": "tc_1", "content": "file", "isError": False, "uuid": "r1-3"},
        {"type": "assistant", "content": "wor", "uuid": "r1-4"},
        {"type": "assistant", "content": "ld", "uuid": "r1-4"},
        {"type": "result", "success": True, "stopReason": "stop", "usage": USAGE},
    ]
    assert encoding.loss == []


def test_a_whole_reply_is_what_the_agent_said(server, ask):
    encoding = encoder(server, ask, "json")
    assert b"".join(encoding.encode(event) for event in RUN) == b""
    assert json.loads(encoding.finish()) == {
        "success": True,
        "response": "Hello world",
        "agentName": "Poet",
        "stopReason": "stop",
        "usage": USAGE,
    }


@pytest.mark.parametrize(
    ("text", "shown"), [("", {}), ("{", {"raw": "{"}), ("[1]", {"raw": "[1]"}), ('{"a":1}', {"a": 1})]
)
def test_arguments_are_an_object_whatever_the_model_wrote(server, ask, text, shown):
    events, _ = streamed(server, ask, [Started("r"), *block(0, ToolCall("c", "f"), text), Finished()])
    assert events[1]["toolInput"] == shown


def test_a_failed_tool_says_so(server, ask):
    failed = ToolResult("c", [Text("no such file")], is_error=True)
    events, _ = streamed(server, ask, [Started("r"), *block(0, failed), Finished()])
    assert (events[1]["content"], events[1]["isError"]) == ("no such file", True)


def test_a_failure_is_an_error_and_a_failed_result_and_never_text(server, ask):
    encoding = encoder(server, ask)
    said = b"".join(encoding.encode(event) for event in RUN[:4])
    assert told(said + encoding.fail(UpstreamBroken("agent exploded")))[-2:] == [
        {"type": "error", "error": "agent exploded"},
        {"type": "result", "success": False, "error": "agent exploded"},
    ]


def test_why_it_ended_early_is_told(server, ask):
    encoding = encoder(server, ask, "json")
    for event in [Started("r"), Finished(0, "length")]:
        encoding.encode(event)
    assert json.loads(encoding.finish())["stopReason"] == "length"


def test_what_has_no_place_is_named(server, ask):
    events = [Started("r"), *block(0, Image(url="http://h/i.png")), *block(0, Text(), "x", choice=1), Finished()]
    shown, encoding = streamed(server, ask, events)
    assert encoding.loss == ["Image", "choices"]
    assert [event["type"] for event in shown] == ["init", "result"]


@given(replies())
def test_whatever_comes_is_whole_events_and_one_json_text(events):
    from gateway_dialect_lettabot.encoders import StreamEncoder, WholeEncoder

    streaming, whole = StreamEncoder(), WholeEncoder(Call("m"))
    pieces = [streaming.encode(event) + streaming.idle() for event in events]
    assert all(piece.endswith(b"\n\n") for piece in [*pieces, streaming.finish()])
    assert all(whole.encode(event) == b"" for event in events)
    assert json.loads(whole.finish())["success"]


@given(st.text())
def test_arguments_of_any_text_can_be_written(text):
    from gateway_dialect_lettabot.encoders import StreamEncoder

    streaming = StreamEncoder()
    data = b"".join(streaming.encode(event) for event in block(0, ToolCall("c", "f"), text))
    assert isinstance(told(data)[0]["toolInput"], dict)
