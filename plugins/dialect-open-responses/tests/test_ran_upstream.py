"""Tools that an upstream ran are no calls for the client: they are shown, and come back as what they were."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from gateway_dialect_open_responses.decode_call import decode_call

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Event,
    Finished,
    Message,
    Started,
    Text,
    ToolCall,
    ToolResult,
)

SAID = [BlockStart(0, 2, Text()), BlockDelta(0, 2, "done"), BlockStop(0, 2)]
RESULT = [BlockStart(0, 1, ToolResult("call_1", [Text("sunny")])), BlockStop(0, 1)]
NAMES = ["output_item.added", "mcp_call.in_progress", "mcp_call_arguments.delta", "mcp_call_arguments.done"]
ENDS = ["mcp_call.completed", "output_item.done"]


def called(executor: Any = "upstream") -> list[Event]:
    call = ToolCall("call_1", "Bash", executor=executor, server="letta")
    return [BlockStart(0, 0, call), BlockDelta(0, 0, "{}"), BlockStop(0, 0)]


@pytest.fixture
def reply(server, inbound):
    def encoded(framing: str, *events: Event, reason: str = "stop") -> tuple[bytes, Sequence[str]]:
        encoder = server.encoder(Call("m"), inbound({"model": "m", "input": "Hi"}), framing)
        told = [Started("r", "m", 1), *events, Finished(0, reason, at=2)]
        return b"".join([encoder.encode(event) for event in told]) + encoder.finish(), encoder.loss

    return encoded


def of_item(stream: bytes, index: int = 0) -> list[str]:
    events = [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: {")]
    return [event["type"].removeprefix("response.") for event in events if event.get("output_index") == index]


@pytest.mark.parametrize(
    ("executor", "shown"),
    [("client", ["function_call", "function_call_output", "message"]), ("upstream", ["mcp_call", "message"])],
)
def test_who_ran_it_decides_what_item_it_is(reply, executor, shown):
    body, loss = reply("json", *called(executor), *RESULT, *SAID)
    assert [item["type"] for item in json.loads(body)["output"]] == shown
    assert loss == []


def test_the_item_has_its_result_and_the_stream_its_events(reply):
    body, _ = reply("json", *called(), *RESULT, *SAID)
    assert json.loads(body)["output"][0] == {
        "type": "mcp_call",
        "id": "mcp_gwu_call_1",
        "server_label": "letta",
        "name": "Bash",
        "arguments": "{}",
        "status": "completed",
        "output": "sunny",
        "error": None,
        "approval_request_id": None,
    }
    stream, _ = reply("sse", *called(), *RESULT, *SAID)
    assert of_item(stream) == [*NAMES, *ENDS]


def test_one_of_which_no_result_is_told_ends_with_the_reply(reply):
    body, _ = reply("json", *called(), *SAID)
    assert [(item["status"], item.get("output")) for item in json.loads(body)["output"][:1]] == [("completed", None)]
    stream, _ = reply("sse", *called(), *SAID)
    assert of_item(stream) == [*NAMES, *ENDS]


def test_one_of_a_reply_that_was_cut_short_did_not_run(reply):
    body, _ = reply("json", *called(), *SAID, reason="pause")
    assert json.loads(body)["output"][0]["status"] == "failed"
    stream, _ = reply("sse", *called(), *SAID, reason="pause")
    assert of_item(stream) == [*NAMES, "mcp_call.failed", "output_item.done"]
    body, _ = reply("json", *called(), reason="pause")
    assert json.loads(body)["output"][0]["status"] == "incomplete"


def test_what_comes_back_is_history_where_it_has_a_result(reply):
    answered, _ = reply("json", *called(), *RESULT, *SAID)
    silent, _ = reply("json", *called(), *SAID)
    sent = [decode_call(json.dumps({"input": json.loads(body)["output"]}).encode()) for body in (answered, silent)]
    call = ToolCall("call_1", "Bash", "{}", executor="upstream", server="letta")
    assert [message.blocks for message in sent[0].messages] == [
        [call],
        [ToolResult("call_1", [Text("sunny")])],
        [Text("done")],
    ]
    assert [message.blocks for message in sent[1].messages] == [[Text("done")]]
    assert isinstance(sent[1].messages[0], Message)
