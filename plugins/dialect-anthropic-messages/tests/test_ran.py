"""Tools that the gateway ran, as clients of Messages send them back; how they are shown is tested through the SDKs."""

from __future__ import annotations

import json
from typing import Any

from gateway_dialect_anthropic_messages import read_call
from gateway_dialect_anthropic_messages.names import NAME

from gateway import Message, Opaque, Reasoning, Text, ToolCall, ToolResult

Json = dict[str, Any]
USE: Json = {
    "type": "mcp_tool_use",
    "id": "mcptoolu_gw_call_1",
    "name": "search",
    "server_name": "web",
    "input": {"q": 1},
}
RESULT: Json = {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_gw_call_1", "is_error": False}


def messages(*content: Json) -> list[Message]:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": list(content)}]}
    return read_call.read(json.dumps(body).encode(), {}).messages


def test_blocks_of_ours_are_a_turn_and_its_results() -> None:
    told = [{"type": "text", "text": "found"}, {"type": "text", "text": "it"}]
    thought = {"type": "thinking", "thinking": "Hm.", "signature": ""}
    found = messages(thought, USE, {**RESULT, "content": told}, {"type": "text", "text": "Done."})
    assert [message.role for message in found] == ["assistant", "tool", "assistant"]
    assert [type(block) for block in found[0].blocks] == [Reasoning, ToolCall]
    assert found[0].blocks[1] == ToolCall("call_1", "search", '{"q": 1}', executor="gateway", server="web")
    assert found[1].blocks == [ToolResult("call_1", [Text("found"), Text("it")])]


def test_what_an_upstream_ran_is_history_where_it_has_a_result() -> None:
    use = {**USE, "id": "mcptoolu_gwu_c"}
    found = messages(use, {**RESULT, "tool_use_id": "mcptoolu_gwu_c", "content": "x"}, {"type": "text", "text": "A"})
    assert found[0].blocks == [ToolCall("c", "search", '{"q": 1}', executor="upstream", server="web")]
    assert found[1].blocks == [ToolResult("c", [Text("x")])]
    [said] = messages(use, {"type": "text", "text": "A"})
    assert said.blocks == [Text("A")]


def test_a_result_may_be_one_text_or_none_and_say_that_it_failed() -> None:
    [_, results] = messages(USE, {**RESULT, "is_error": True, "content": "No."})
    assert results.blocks == [ToolResult("call_1", [Text("No.")], True)]
    [_, results] = messages(USE, RESULT)
    assert results.blocks == [ToolResult("call_1", [])]


def test_what_sdks_add_to_blocks_that_they_do_not_know_is_passed_over() -> None:
    [turn, _] = messages({**USE, "citations": None, "text": None}, {**RESULT, "content": "x"})
    assert isinstance(turn.blocks[0], ToolCall)
    assert not turn.blocks[0].extra


def test_blocks_of_other_connectors_stay_as_they_are() -> None:
    other = {**USE, "id": "mcptoolu_01"}
    [message] = messages(other, {**RESULT, "tool_use_id": "mcptoolu_01", "content": []})
    assert [(type(block), getattr(block, "dialect", "")) for block in message.blocks] == [(Opaque, NAME)] * 2
