"""Calls that a person is asked about, as items; what clients say to them; and what they want to be asked about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_open_responses.decode_call import decode_call

from gateway import (
    ApprovalResponse,
    BadCall,
    BlockStart,
    BlockStop,
    Call,
    Finished,
    Opaque,
    ServerTools,
    Started,
    Text,
    ToolCall,
    ToolFilter,
)

Json = dict[str, Any]
ASKED = ToolCall("call_1", "note", '{"a":1}', executor="gateway", server="web", approval="asked")
ITEM: Json = {"type": "mcp_approval_request", "id": "mcpr_gw_call_1", "server_label": "web", "name": "note"}
ITEM |= {"arguments": '{"a":1}'}
YES: Json = {"type": "mcp_approval_response", "approval_request_id": "mcpr_gw_call_1", "approve": True}
USER: Json = {"role": "user", "content": "Hi"}
ALL = ToolFilter()


def read(*items: Json) -> Call:
    return decode_call(json.dumps({"model": "m", "input": list(items)}).encode())


@pytest.mark.parametrize("framing", ["json", "sse"])
def test_a_request_is_an_item_that_comes_whole(server, inbound, framing):
    encoder = server.encoder(Call("m"), inbound({"model": "m", "input": "Hi"}), framing)
    events = [Started("r", "m", 1), BlockStart(0, 0, ASKED), BlockStop(0, 0), Finished(0, "stop", at=2)]
    body = b"".join([encoder.encode(event) for event in events]) + encoder.finish()
    if framing == "sse":
        told = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: {")]
        kinds = [event["type"] for event in told if "output_index" in event]
        assert kinds == ["response.output_item.added", "response.output_item.done"]
        response = told[-1]["response"]
    else:
        response = json.loads(body)
    assert response["status"] == "completed"
    assert response["output"] == [ITEM | {"status": "completed"}]
    assert encoder.loss == []


def test_a_call_that_was_answered_names_its_request(server, inbound):
    call = ToolCall("call_1", "note", "{}", executor="gateway", server="web", approval="answered")
    encoder = server.encoder(Call("m"), inbound({"model": "m", "input": "Hi"}), "json")
    for event in [Started("r", "m", 1), BlockStart(0, 0, call), BlockStop(0, 0), Finished(0, "stop", at=2)]:
        encoder.encode(event)
    [item] = json.loads(encoder.finish())["output"]
    assert (item["type"], item["approval_request_id"]) == ("mcp_call", "mcpr_gw_call_1")
    [message, _] = read({**item, "status": "completed", "output": "x"}).messages
    [block] = message.blocks
    assert isinstance(block, ToolCall)
    assert block.approval == "answered"


def test_the_answer_is_the_calls_and_no_message_of_its_own():
    call = read(USER, ITEM, {**YES, "reason": "Fine."}, USER)
    assert call.asks
    assert [message.role for message in call.messages] == ["user", "assistant", "user"]
    assert call.messages[1].blocks == [ASKED]
    assert call.approvals == [ApprovalResponse("call_1", True, "Fine.")]


def test_answers_from_before_the_models_last_words_are_past():
    assert read(ITEM, YES, {"role": "assistant", "content": "Done."}, USER).approvals == []
    assert read(ITEM, {**YES, "approve": False, "id": "x"}).approvals == [ApprovalResponse("call_1", False)]


def test_requests_and_answers_of_other_servers_stay_as_they_are():
    call = read({**ITEM, "id": "mcpr_682d"}, {**YES, "approval_request_id": "mcpr_682d"})
    assert call.approvals == []
    assert [type(block) for message in call.messages for block in message.blocks] == [Opaque, Opaque]


def test_an_answer_has_to_say_what_it_is():
    with pytest.raises(BadCall) as error:
        read(ITEM, {"type": "mcp_approval_response", "approval_request_id": "mcpr_gw_call_1"})
    assert error.value.param == "input[1].approve"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, ServerTools("web", always=ALL)),
        ({"require_approval": None}, ServerTools("web", always=ALL)),
        ({"require_approval": "always"}, ServerTools("web", always=ALL)),
        ({"require_approval": "never"}, ServerTools("web", never=ALL)),
        ({"require_approval": {"never": {"tool_names": ["a"]}}}, ServerTools("web", never=ToolFilter(("a",)))),
        (
            {"require_approval": {"always": {"tool_names": ["a"], "read_only": True}}},
            ServerTools("web", always=ToolFilter(("a",), True)),
        ),
        ({"allowed_tools": ["a", "b"]}, ServerTools("web", ToolFilter(("a", "b")), ALL)),
        ({"allowed_tools": {"read_only": False}}, ServerTools("web", ToolFilter(None, False), ALL)),
        ({"server_url": "https://elsewhere.example"}, None),
        ({"connector_id": "connector_gmail"}, None),
    ],
    ids=str,
)
def test_a_tool_of_type_mcp_says_what_is_wanted_of_a_server(members: Json, expected: ServerTools | None) -> None:
    tool = {"type": "mcp", "server_label": "web", **members}
    call = decode_call(json.dumps({"model": "m", "input": "Hi", "tools": [tool]}).encode())
    [found] = call.tools
    assert found.server == expected
    given = {name for name, value in tool.items() if value is not None}
    assert (found.kind, found.name, set(found.extra)) == ("hosted", "mcp", given)
    assert call.messages[0].blocks == [Text("Hi")]


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"require_approval": "sometimes"}, "tools[0].require_approval"),
        ({"require_approval": 1}, "tools[0].require_approval"),
        ({"require_approval": {"never": {"tool_names": "a"}}}, "tools[0].require_approval.never.tool_names"),
        ({"allowed_tools": [1]}, "tools[0].allowed_tools[0]"),
    ],
    ids=str,
)
def test_what_is_said_wrongly_of_a_server_is_refused(members: Json, param: str) -> None:
    tool = {"type": "mcp", "server_label": "web", **members}
    with pytest.raises(BadCall) as error:
        decode_call(json.dumps({"model": "m", "input": "Hi", "tools": [tool]}).encode())
    assert error.value.param == param
