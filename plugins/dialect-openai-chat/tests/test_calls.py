"""decode: a client's body to a Call."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_openai_chat.calls import decode
from msgspec import Raw

from gateway import (
    Audio,
    BadCall,
    Call,
    File,
    Grammar,
    Image,
    Limits,
    Message,
    Opaque,
    OutputFormat,
    Reasoning,
    ReasoningOptions,
    Refusal,
    Sampling,
    State,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

ARGUMENTS_IN_NUMBERS = {"name": "f", "arguments": 1}
HI = {"role": "user", "content": "Hi"}


def call(**members: Any) -> Call:
    return decode(json.dumps({"model": "m", "messages": [HI], **members}).encode())


def messages(*given: dict[str, Any]) -> list[Message]:
    return call(messages=list(given)).messages


def parts(*given: dict[str, Any]) -> list[Any]:
    return messages({"role": "user", "content": list(given)})[0].blocks


def refused(**members: Any) -> BadCall:
    with pytest.raises(BadCall) as error:
        call(**members)
    assert error.value.param is not None
    assert error.value.param in error.value.public
    return error.value


def test_every_parameter_has_its_place() -> None:
    read = call(
        temperature=1, top_p=0.5, top_k=3, frequency_penalty=0.1, presence_penalty=-0.1, seed=4, stop=["a", "b"],
        logit_bias={"7": -100}, n=2, logprobs=True, top_logprobs=5, max_completion_tokens=9, reasoning_effort="low",
        verbosity="high", stream=True, stream_options={"include_usage": True}, store=True, metadata={"a": "b"},
        user="u", safety_identifier="s", prompt_cache_key="k", service_tier="flex", parallel_tool_calls=False,
    )  # fmt: skip
    assert read == Call(
        "m",
        [Message("user", [Text("Hi")])],
        sampling=Sampling(1, 0.5, 3, 0.1, -0.1, 4, ("a", "b"), Raw(b'{"7": -100}'), 2, True, 5),
        limits=Limits(9),
        reasoning=ReasoningOptions("low"),
        verbosity="high",
        stream=True,
        stream_usage=True,
        state=State(store=True),
        metadata={"a": "b"},
        user="u",
        safety_identifier="s",
        prompt_cache_key="k",
        service_tier="flex",
        parallel_tool_calls=False,
        dialect="openai-chat",
    )


def test_explicit_nulls_are_taken_everywhere() -> None:
    names = (
        "temperature top_p top_k frequency_penalty presence_penalty seed stop logit_bias n logprobs "
        "top_logprobs max_tokens max_completion_tokens reasoning_effort verbosity stream stream_options "
        "store metadata user safety_identifier prompt_cache_key service_tier parallel_tool_calls tools "
        "tool_choice functions function_call response_format"
    )
    assert call(**dict.fromkeys(names.split())) == call()
    nulls = dict.fromkeys(("name", "refusal", "audio", "tool_calls", "function_call", "reasoning_content", "content"))
    assert messages({"role": "assistant", **nulls}) == [Message("assistant")]


def test_unknown_members_ride_along_as_they_are() -> None:
    read = decode(b'{"model":"m","messages":[{"role":"user","content":"Hi","x": [1, 2.50]}],"plugins": { "a":1e3 }}')
    assert read.extra == {"plugins": Raw(b'{ "a":1e3 }')}
    assert read.messages[0].extra == {"x": Raw(b"[1, 2.50]")}


def test_other_stream_options_stay() -> None:
    assert call(stream_options={"include_usage": True, "x": 1}).extra == {"stream_options": Raw(b'{"x":1}')}


def test_the_older_limit_and_a_single_stop_are_read_too() -> None:
    read = call(max_tokens=3, stop=".")
    assert (read.limits.max_output, read.sampling.stop) == (3, (".",))


@pytest.mark.parametrize("role", ["system", "developer", "user"])
def test_roles_stay_where_they_stand(role: str) -> None:
    read = messages(HI, {"role": role, "content": "x", "name": "n"})[1]
    assert read == Message(role, [Text("x")], "n")  # type: ignore[arg-type]


def test_parts_become_blocks() -> None:
    read = parts(
        {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": "https://x/mistral.png"},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "video_url", "video_url": {"url": "https://x/v.mp4"}},
    )
    assert read == [
        Text("Look", {"cache_control": Raw(b'{"type": "ephemeral"}')}),
        Image(url="https://x/y.png", detail="low"),
        Image(data="AAAA", media_type="image/png"),
        Image(url="https://x/mistral.png"),
        Audio("UklG", "wav"),
        File(data="JVBE", media_type="application/pdf", filename="a.pdf"),
        File(file_id="file-1"),
        Opaque("openai-chat", "video_url", Raw(b'{"type":"video_url","video_url":{"url": "https://x/v.mp4"}}')),
    ]


def test_an_assistants_turn_is_thoughts_then_content_then_calls() -> None:
    details = [{"type": "reasoning.encrypted", "data": "x"}]
    read = messages(
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}},
                {"id": "b", "type": "custom", "custom": {"name": "g", "input": "free"}},
            ],
            "content": [{"type": "text", "text": "T"}, {"type": "refusal", "refusal": "R"}],
            "audio": {"id": "audio_1"},
            "reasoning_content": "Hm",
            "reasoning_details": details,
        }
    )[0]
    assert read.blocks == [
        Reasoning("Hm", proof=Opaque("openai-chat", "reasoning_details", Raw(json.dumps(details).encode()))),
        Text("T"),
        Refusal("R"),
        Audio(id="audio_1"),
        ToolCall("a", "f", "{"),
        ToolCall("b", "g", "free", "custom"),
    ]


def test_reasoning_and_mistrals_thinking_are_thoughts_too() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    read = messages(
        {"role": "assistant", "content": "x", "reasoning": "Hm"}, {"role": "assistant", "content": [thinking]}
    )
    assert [message.blocks for message in read] == [[Reasoning("Hm"), Text("x")], [Reasoning("ab")]]


def test_tool_messages_are_results_of_the_kind_of_their_call() -> None:
    read = messages(
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "g", "input": ""}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "one"},
        {"role": "tool", "tool_call_id": "d", "content": [{"type": "text", "text": "two"}]},
    )
    assert read[0].blocks == [ToolCall("c", "g", "", "custom")]
    assert read[1].blocks == [ToolResult("c", [Text("one")], kind="custom")]
    assert read[2].blocks == [ToolResult("d", [Text("two")])]


def test_legacy_functions_become_tools_calls_and_results_with_one_id() -> None:
    read = call(
        functions=[{"name": "f", "parameters": {}}],
        function_call={"name": "f"},
        messages=[
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "done"},
        ],
    )
    assert read.tools == [Tool("f", parameters=Raw(b"{}"))]
    assert read.tool_choice == ToolChoice("tool", ("f",))
    assert read.messages[0].blocks == [ToolCall("call_legacy_0", "f", "{}")]
    assert read.messages[1] == Message("tool", [ToolResult("call_legacy_0", [Text("done")])])
    assert call(function_call="none").tool_choice == ToolChoice("none")


def test_tools_of_all_kinds() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
    read = call(
        tools=[
            {"type": "function", "function": {"name": "f", "description": "d", "strict": True, "parameters": {"a": 1}}},
            {"type": "custom", "custom": {"name": "g", "format": grammar}},
            {"type": "web_search", "depth": 2},
        ]
    ).tools
    assert read == [
        Tool("f", "d", Raw(b'{"a": 1}'), True),
        Tool("g", kind="custom", grammar=Grammar("lark", "x")),
        Tool("web_search", kind="hosted", extra={"type": Raw(b'"web_search"'), "depth": Raw(b"2")}),
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ("any", ToolChoice("required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("tool", ("f",))),
        ({"type": "custom", "custom": {"name": "g"}}, ToolChoice("tool", ("g",), kind="custom")),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
            ToolChoice("allowed", ("f",), required=True),
        ),
    ],
)
def test_tool_choices(given: Any, expected: ToolChoice) -> None:
    assert call(tool_choice=given).tool_choice == expected


def test_output_formats() -> None:
    schema = {"name": "n", "description": "d", "strict": False, "schema": {"type": "object"}}
    assert call(response_format={"type": "text"}).output_format == OutputFormat()
    assert call(response_format={"type": "json_object"}).output_format == OutputFormat("json")
    assert call(response_format={"type": "json_schema", "json_schema": schema}).output_format == OutputFormat(
        "schema", "n", "d", Raw(b'{"type": "object"}'), False
    )


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": [HI, 7]}, "messages"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [HI, {"role": "robot"}]}, "messages[1].role"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [HI, HI, {"role": "user", "content": [{}]}]}, "messages[2].content[0].type"),
        ({"messages": [HI, {"role": "user", "content": [{"type": 7}]}]}, "messages[1].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content[0].image_url.url",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        (
            {"messages": [{"role": "tool", "tool_call_id": "a", "content": [{"type": "video"}]}]},
            "messages[0].content[0].type",
        ),
        ({"messages": [{"role": "function", "content": "x"}]}, "messages[0].name"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages[0].tool_calls[0].id"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": ARGUMENTS_IN_NUMBERS}]}]},
            "messages[0].tool_calls[0].function.arguments",
        ),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": {"a": 1}}, "tools"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"tool_choice": {"type": "odd"}}, "tool_choice.type"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"temperature": "hot"}, "temperature"),
        ({"stop": 7}, "stop"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_path(members: dict[str, Any], param: str) -> None:
    assert refused(**members).param == param


@pytest.mark.parametrize(
    "head", ["data:image/png;base64,", "data:image/png;charset=utf-8;base64,", "DATA:image/png;BASE64,"]
)
def test_data_urls_are_taken_apart_however_they_are_written(head: str) -> None:
    assert parts({"type": "image_url", "image_url": {"url": f"{head}QQ=="}}) == [
        Image(data="QQ==", media_type="image/png")
    ]


def test_a_format_that_is_no_grammar_or_says_more_stays_as_it_is() -> None:
    text = {"type": "text"}
    more = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x", "start": "y"}}
    for form in (text, more):
        [tool] = call(tools=[{"type": "custom", "custom": {"name": "g", "format": form}}]).tools
        assert (tool.grammar, json.loads(bytes(tool.extra["custom"]))) == (None, {"format": form})
