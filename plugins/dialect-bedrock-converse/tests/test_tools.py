"""Tools, the choice among them, their names and their calls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_bedrock_converse.client import ConverseClient
from msgspec import Raw

from gateway import Call, Message, OutputFormat, Text, Tool, ToolCall, ToolChoice, ToolResult
from gateway.testing import replay

CLIENT = ConverseClient()
SCHEMA = Raw(b'{"type":"object"}')
HI = Message("user", [Text("Hi")])
CALLED = [HI, Message("assistant", [ToolCall("c1", "f", "{}")]), Message("tool", [ToolResult("c1", [Text("ok")])])]
OLD, NOVA, LLAMA = "anthropic.claude-3-haiku-20240307-v1:0", "amazon.nova-lite-v1:0", "meta.llama3-8b-instruct-v1:0"
BUDGET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.mark.parametrize("identity", ["call/1", "x" * 65, "ü", "", "a.b:c"])
def test_ids_that_bedrock_refuses_are_replaced_in_call_and_result_alike(identity: str, written: Any) -> None:
    messages = [
        HI,
        Message("assistant", [ToolCall(identity, "f")]),
        Message("tool", [ToolResult(identity, [Text("1")])]),
    ]
    body = written(Call("m", messages, tools=[Tool("f")]))
    used = body["messages"][1]["content"][0]["toolUse"]["toolUseId"]
    assert used == body["messages"][2]["content"][0]["toolResult"]["toolUseId"]
    other = [HI, Message("assistant", [ToolCall(identity + "?", "f")])]
    assert written(Call("m", other, tools=[Tool("f")]))["messages"][1]["content"][0]["toolUse"]["toolUseId"] != used


def test_what_another_upstream_ran_is_a_call_with_its_result(written: Any) -> None:
    """Bedrock refuses a result without its call."""
    ran = Message("assistant", [ToolCall("c1", "f", "{}", executor="upstream", server="letta")])
    tools = [Tool("f")]
    assert written(Call("m", [HI, ran, CALLED[2]], tools=tools)) == written(Call("m", CALLED, tools=tools))


def test_a_tools_name_that_bedrock_refuses_is_replaced_everywhere_and_named(written: Any) -> None:
    messages = [HI, Message("assistant", [ToolCall("c", "a.b")])]
    call = Call("m", messages, tools=[Tool("a.b", "", SCHEMA)], tool_choice=ToolChoice("tool", ("a.b",)))
    body = written(call, loss=("tools[0].name",))
    name = body["toolConfig"]["tools"][0]["toolSpec"]["name"]
    assert body["toolConfig"]["toolChoice"] == {"tool": {"name": name}}
    assert body["messages"][1]["content"][0]["toolUse"]["name"] == name
    assert body["toolConfig"]["tools"][0]["toolSpec"] == {"name": name, "inputSchema": {"json": {"type": "object"}}}


@pytest.mark.parametrize("arguments", ['{"a"', '{"a": NaN}', "[1]", "7", "[" * 50_000])
def test_arguments_that_are_no_object_go_into_one(arguments: str, encode: Any) -> None:
    messages = [HI, Message("assistant", [ToolCall("c", "f", arguments)])]
    encoded = CLIENT.encode(Call("m", messages, tools=[Tool("f")]), replay.target(BUDGET))
    assert encoded.loss == ("messages[1].content[0].arguments",)
    use = json.loads(encoded.body)["messages"][1]["content"][0]["toolUse"]
    assert use["input"] == {"input": arguments}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), None),
        (ToolChoice("required"), {"any": {}}),
        (ToolChoice("tool", ("g",)), {"tool": {"name": "g"}}),
        (ToolChoice("allowed", ("g",)), None),
        (ToolChoice("allowed", ("g",), required=True), {"any": {}}),
    ],
)
def test_the_choice_among_tools(choice: ToolChoice, expected: Any, written: Any) -> None:
    body = written(Call("m", [HI], tools=[Tool("f"), Tool("g", "Does g.")], tool_choice=choice))
    assert body["toolConfig"].get("toolChoice") == expected
    names = [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]]
    assert names == (["g"] if choice.mode == "allowed" else ["f", "g"])


def test_no_tool_is_a_call_without_tools_where_none_was_called_and_loss_where_one_was(written: Any) -> None:
    none = ToolChoice("none")
    assert "toolConfig" not in written(Call("m", [HI], tools=[Tool("f")], tool_choice=none))
    body = written(Call("m", CALLED, tools=[Tool("f")], tool_choice=none), loss=("tool_choice",))
    assert list(body["toolConfig"]) == ["tools"]


def test_tools_that_were_called_and_are_gone_are_declared_by_name(written: Any) -> None:
    (tool,) = written(Call("m", CALLED))["toolConfig"]["tools"]
    assert tool["toolSpec"]["name"] == "f"


def test_strict_tools_and_a_schema_go_where_the_family_takes_them(written: Any) -> None:
    form = OutputFormat("schema", "answer", "An answer", SCHEMA, strict=True)
    call = Call("m", [HI], tools=[Tool("f", parameters=SCHEMA, strict=True)], output_format=form)
    body = written(call, BUDGET)
    assert body["toolConfig"]["tools"][0]["toolSpec"]["strict"] is True
    definition = {"schema": '{"type":"object"}', "name": "answer", "description": "An answer"}
    assert body["outputConfig"] == {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": definition}}}
    assert "outputConfig" not in written(call, NOVA, loss=("tools[0].strict", "response_format"))
    assert written(Call("m", [HI], output_format=OutputFormat("json")), loss=("response_format",))
    loose = Call("m", [HI], tools=[Tool("f", strict=False)], output_format=OutputFormat("text"))
    assert "strict" not in written(loose, NOVA)["toolConfig"]["tools"][0]["toolSpec"]


def test_hosted_and_custom_tools_have_no_place(written: Any) -> None:
    tools = [Tool("web", kind="hosted"), Tool("free", kind="custom"), Tool("f")]
    body = written(Call("m", [HI], tools=tools), loss=("tools[0]", "tools[1]"))
    assert len(body["toolConfig"]["tools"]) == 1
