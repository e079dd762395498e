"""Calls that a person is asked about, for clients that say that they know of them; and what is run elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_openai_chat.server import ChatServer

from gateway import (
    ApprovalResponse,
    BadCall,
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Event,
    Finished,
    Framing,
    Message,
    Started,
    Text,
    ToolCall,
    ToolResult,
    sse,
)
from gateway.testing import replay

Json = dict[str, Any]
SERVER = ChatServer()
INDEX: dict[Framing, Json] = {"json": {}, "sse": {"index": 0}}
ASK, SHOW = {"x-gateway-approval": "ask"}, {"x-gateway-tools": "show"}
ASKED = ToolCall("call_1", "note", '{"a":1}', executor="gateway", server="web", approval="asked")
REQUEST: Json = {"id": "call_1", "server_label": "web", "name": "note", "arguments": '{"a":1}'}
SAID: Json = {"role": "assistant", "content": None, "gateway_approval_requests": [REQUEST]}
YES: Json = {"role": "tool", "tool_call_id": "call_1", "content": "", "gateway_approval": {"approve": True}}


def read(*messages: Json, headers: dict[str, str] = ASK) -> Call:
    body = json.dumps({"model": "m", "messages": list(messages)}).encode()
    return SERVER.decode(replay.inbound(SERVER, body, headers=headers))


def message(framing: Framing, *events: Event, headers: dict[str, str]) -> tuple[Json, str, list[str]]:
    """What the reply's members are altogether, its end, and what was lost."""
    encoder = SERVER.encoder(Call("m"), replay.inbound(SERVER, b"{}", headers=headers), framing)
    body = replay.encoded_reply(encoder, [Started("x", "m", 1), *events, Finished()])
    if framing == "json":
        [choice] = json.loads(body)["choices"]
        return choice["message"], choice["finish_reason"], [*encoder.loss]
    said: Json = {}
    chunks = [json.loads(sse.data(event)) for event in sse.events(body) if sse.data(event) != b"[DONE]"]
    for chunk in chunks:
        said |= chunk["choices"][0]["delta"]
    return said, chunks[-1]["choices"][0]["finish_reason"], [*encoder.loss]


@pytest.mark.parametrize("framing", ["json", "sse"])
def test_a_request_is_told_and_no_call_of_the_clients(framing: Framing) -> None:
    said, reason, loss = message(framing, BlockStart(0, 0, ASKED), BlockStop(0, 0), headers=ASK)
    assert said["gateway_approval_requests"] == [REQUEST | INDEX[framing]]
    assert ("tool_calls" in said, reason, loss) == (False, "stop", [])


def test_the_message_comes_back_and_the_answer_behind_it() -> None:
    call = read({"role": "user", "content": "Hi"}, SAID, YES)
    assert call.asks
    assert call.messages == [Message("user", [Text("Hi")]), Message("assistant", [ASKED])]
    assert call.approvals == [ApprovalResponse("call_1", True)]
    no = {**YES, "gateway_approval": {"approve": False, "reason": "No."}}
    assert read(SAID, no).approvals == [ApprovalResponse("call_1", False, "No.")]


def test_what_was_answered_before_the_models_last_words_is_past() -> None:
    assert read(SAID, YES, {"role": "assistant", "content": "Done."}).approvals == []


def test_without_the_header_nobody_is_asked_and_what_was_asked_is_read() -> None:
    call = read(SAID, YES, headers={})
    assert (call.asks, call.approvals) == (False, [ApprovalResponse("call_1", True)])
    assert call.messages == [Message("assistant", [ASKED])]


def test_an_answer_has_to_say_what_it_is() -> None:
    with pytest.raises(BadCall) as error:
        read(SAID, {**YES, "gateway_approval": {}})
    assert error.value.param == "messages[1].gateway_approval.approve"


@pytest.mark.parametrize("framing", ["json", "sse"])
def test_what_an_upstream_ran_is_hidden_unless_it_is_asked_for(framing: Framing) -> None:
    call = ToolCall("c", "Bash", executor="upstream", server="letta")
    events: list[Event] = [BlockStart(0, 0, call), BlockDelta(0, 0, "{}"), BlockStop(0, 0)]
    events += [BlockStart(0, 1, ToolResult("c", [Text("ok")])), BlockStop(0, 1)]
    said, _, loss = message(framing, *events, headers={})
    assert ([name for name in said if name.startswith(("gateway", "tool"))], loss) == ([], [])
    said, _, _ = message(framing, *events, headers=SHOW)
    called = {"id": "c", "server_label": "letta", "name": "Bash", "arguments": "{}"}
    assert said["gateway_tool_calls"] == [called | INDEX[framing]]
    assert said["gateway_tool_results"] == [{"id": "c", "content": "ok", "is_error": False} | INDEX[framing]]
