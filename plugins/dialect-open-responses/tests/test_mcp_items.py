"""Tools that the gateway ran, as clients of Responses send them back; how they are shown is tested through the SDKs."""

from __future__ import annotations

import json
from typing import Any

from gateway_dialect_open_responses.decode_call import decode_call
from msgspec import Raw

from gateway import Message, Opaque, Reasoning, Text, ToolCall, ToolResult
from gateway.carrier import pack

Json = dict[str, Any]


def item(name: str = "mcp_gw_call_1", **more: Any) -> Json:
    made = {"type": "mcp_call", "id": name, "server_label": "web", "name": "search", "arguments": '{"q":1}'}
    return made | {"output": "found", "error": None, "status": "completed"} | more


def messages(*items: Json) -> list[Message]:
    return decode_call(json.dumps({"model": "m", "input": list(items)}).encode()).messages


def test_an_item_of_ours_is_a_call_and_its_result() -> None:
    found = messages({"role": "user", "content": "Hi"}, item(), {"role": "assistant", "content": "Done."})
    assert [message.role for message in found] == ["user", "assistant", "tool", "assistant"]
    assert found[1].blocks == [ToolCall("call_1", "search", '{"q":1}', executor="gateway", server="web")]
    assert found[2].blocks == [ToolResult("call_1", [Text("found")])]


def test_errors_are_read_in_each_of_their_forms() -> None:
    told = {"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": "No."}]}
    for error, words in ((told, "No."), ("No.", "No."), ({"type": "http_error", "code": 5}, "The tool failed.")):
        [_, results] = messages(item(output=None, error=error, status="failed"))
        assert results.blocks == [ToolResult("call_1", [Text(words)], True)]


def test_items_of_other_servers_stay_as_they_are() -> None:
    for one in (item("mcp_68a690"), item(output=None, status="in_progress")):
        [message] = messages(one)
        assert [type(block) for block in message.blocks] == [Opaque]


def test_a_proof_behind_the_item_is_its_calls() -> None:
    proof = Opaque("gemini", "call", Raw(b'"signed"'), "domain")
    carrier = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": pack(proof)}
    [message, _] = messages(item(), carrier)
    [call] = message.blocks
    assert isinstance(call, ToolCall)
    assert call.proof == proof


def test_thoughts_begin_the_turn_of_the_calls_that_follow() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]}
    own = {"type": "function_call", "call_id": "own", "name": "weather", "arguments": "{}"}
    answer = {"type": "function_call_output", "call_id": "own", "output": "Sunny."}
    found = messages(thought, item(), thought, item("mcp_gw_call_2"), own, answer)
    assert [message.role for message in found] == ["assistant", "tool", "assistant", "tool", "tool"]
    assert [type(block) for block in found[2].blocks] == [Reasoning, ToolCall, ToolCall]
