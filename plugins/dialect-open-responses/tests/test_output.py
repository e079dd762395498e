"""Which items blocks become."""

from __future__ import annotations

import json

import pytest
from msgspec import Raw

from gateway import BlockDelta, BlockStart, BlockStop, Call, Finished, Image, Opaque, Reasoning, Started, Text, ToolCall


@pytest.fixture
def output(server, inbound):
    """The items of a whole reply, and its loss."""

    def made(*blocks):
        encoder = server.encoder(Call("agent"), inbound({"input": "x"}), "json")
        for event in (Started("resp_1"), *blocks, Finished()):
            encoder.encode(event)
        return json.loads(encoder.finish())["output"], encoder.loss

    return made


def test_what_has_no_item_is_loss(output):
    found = output(BlockStart(0, 0, Image(url="https://x")), BlockStart(1, 0, Text("b")), BlockStop(1, 0))
    assert found == ([], ["output[0]", "choices[1]"])


def test_hosted_item_comes_back_as_its_maker_wrote_it(output):
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    block = Opaque("open-responses", "item", Raw(json.dumps(item).encode()), "place")
    assert output(BlockStart(0, 0, block), BlockStop(0, 0)) == ([item], [])


def test_phase_is_kept_and_parts_messages(output):
    note = Text("first", {"phase": Raw(b'"commentary"')})
    said, _ = output(BlockStart(0, 0, note), BlockStop(0, 0), BlockStart(0, 1, Text("then")), BlockStop(0, 1))
    assert [item.get("phase") for item in said] == ["commentary", None]
    assert [item["content"][0]["text"] for item in said] == ["first", "then"]


def test_custom_call_has_its_own_item(output):
    call = ToolCall("c", "sql", kind="custom")
    said, _ = output(BlockStart(0, 0, call), BlockDelta(0, 0, "SELECT"), BlockStop(0, 0))
    assert said == [
        {
            "type": "custom_tool_call",
            "id": "ctc_1_0",
            "call_id": "c",
            "name": "sql",
            "input": "SELECT",
            "status": "completed",
        }
    ]


def test_foreign_proof_is_carried_and_never_encrypted_content_of_its_own(output):
    proof = Opaque("anthropic-messages", "thinking", Raw(b'"sig"'), "claude")
    said, loss = output(BlockStart(0, 0, Reasoning()), BlockDelta(0, 0, "x", proof=proof), BlockStop(0, 0))
    assert '"sig"' not in json.dumps(said)
    assert said[0]["encrypted_content"].startswith("gwState1")
    assert loss == []


def test_two_thoughts_with_one_id_are_one_item_and_others_are_two(output):
    def thoughts(first, second):
        said, _ = output(
            BlockStart(0, 0, Reasoning("a", True, first)),
            BlockStop(0, 0),
            BlockStart(0, 1, Reasoning("b", True, second)),
            BlockStop(0, 1),
        )
        return [len(item["summary"]) for item in said]

    assert thoughts("rs_1", "rs_1") == [2]
    assert thoughts("rs_1", "rs_2") == [1, 1]
    assert thoughts(None, None) == [1, 1]
