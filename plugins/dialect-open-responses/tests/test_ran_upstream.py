"""Tools that an upstream ran are no calls for the client."""

from __future__ import annotations

import json

import pytest

from gateway import BlockDelta, BlockStart, BlockStop, Call, Finished, Started, Text, ToolCall, ToolResult

SAID = [BlockStart(0, 2, Text()), BlockDelta(0, 2, "done"), BlockStop(0, 2)]
RESULT = [BlockStart(0, 1, ToolResult("call_1", [Text("sunny")])), BlockStop(0, 1)]


@pytest.mark.parametrize(
    ("executor", "shown", "lost"),
    [
        ("client", ["function_call", "function_call_output", "message"], []),
        ("upstream", ["message"], ["output[0]", "output[1]"]),
    ],
)
def test_neither_the_call_nor_its_result_is_an_item(server, inbound, executor, shown, lost):
    called = [BlockStart(0, 0, ToolCall("call_1", "Bash", executor=executor)), BlockDelta(0, 0, "{}"), BlockStop(0, 0)]
    encoder = server.encoder(Call("m"), inbound({"model": "m", "input": "Hi"}), "json")
    for event in [Started("r", "m", 1), *called, *RESULT, *SAID, Finished(0, "stop", at=2)]:
        encoder.encode(event)
    assert [item["type"] for item in json.loads(encoder.finish())["output"]] == shown
    assert encoder.loss == lost
