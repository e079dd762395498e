"""encode: a Call to an upstream's body, and what is lost."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from gateway_dialect_openai_chat.client import ChatClient
from msgspec import Raw

from gateway import (
    Audio,
    Block,
    Call,
    Encoded,
    File,
    Grammar,
    Image,
    Limits,
    Message,
    Opaque,
    OutputFormat,
    Quirks,
    Reasoning,
    ReasoningOptions,
    Refusal,
    Sampling,
    State,
    Target,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from gateway.testing import replay

TARGET = replay.target("served", state_domain="here")
OWN, OTHER = "openai-chat", "another"
HI = Message("user", [Text("Hi")])


def encode(call: Call, target: Target = TARGET) -> tuple[dict[str, Any], tuple[str, ...]]:
    encoded = ChatClient().encode(call, target)
    assert encoded.path == "/chat/completions"
    return json.loads(encoded.body), encoded.loss


def written(
    *messages: Message, dialect: str = OTHER, to: Target = TARGET
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    body, loss = encode(Call("m", list(messages), dialect=dialect), to)
    return body["messages"], loss


def target(**quirks: Any) -> Target:
    return msgspec.structs.replace(TARGET, quirks=Quirks(**quirks))


def test_only_members_that_the_call_has_are_written() -> None:
    body, loss = encode(Call("m", [HI]))
    assert body == {"model": "served", "messages": [{"role": "user", "content": "Hi"}]}
    assert loss == ()


def test_system_text_is_one_message_before_the_clients_own() -> None:
    call = Call("m", [Message("system", [Text("mine")]), HI], system=[Text("first"), Text("second")])
    body, _ = encode(call)
    assert body["messages"][:2] == [
        {"role": "system", "content": "first\n\nsecond"},
        {"role": "system", "content": "mine"},
    ]


def test_every_parameter_has_its_member() -> None:
    call = Call(
        "m",
        [HI],
        sampling=Sampling(0.5, 0.25, None, 0.1, 0.2, 7, ("a",), Raw(b'{"1":2}'), 2, True, 3),
        limits=Limits(9),
        output_format=OutputFormat("schema", None, None, Raw(b'{"type":"object"}'), True),
        reasoning=ReasoningOptions("low"),
        verbosity="low",
        user="u",
        safety_identifier="s",
        prompt_cache_key="k",
        service_tier="flex",
        tools=[Tool("f", "d", Raw(b"{}"), True)],
        parallel_tool_calls=False,
        dialect=OTHER,
    )
    body, loss = encode(call)
    schema = {"name": "response", "schema": {"type": "object"}, "strict": True}
    assert body == {
        "model": "served",
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {}, "strict": True}}
        ],
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "top_p": 0.25,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "seed": 7,
        "stop": ["a"],
        "logit_bias": {"1": 2},
        "n": 2,
        "logprobs": True,
        "top_logprobs": 3,
        "max_completion_tokens": 9,
        "response_format": {"type": "json_schema", "json_schema": schema},
        "reasoning_effort": "low",
        "verbosity": "low",
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "service_tier": "flex",
    }
    assert loss == ()


def test_older_upstreams_get_the_older_limit() -> None:
    body, _ = encode(Call("m", [HI], limits=Limits(9)), target(max_completion_tokens=False))
    assert body["max_tokens"] == 9
    assert "max_completion_tokens" not in body


@pytest.mark.parametrize(("wanted", "asked"), [(True, False), (False, True)])
def test_a_stream_asks_for_usage(wanted: bool, asked: bool) -> None:
    encoded = ChatClient().encode(Call("m", [HI], stream=True, stream_usage=wanted), TARGET)
    assert json.loads(encoded.body)["stream_options"] == {"include_usage": True}
    assert encoded.usage_asked is asked


def test_an_upstream_that_does_not_know_stream_options_gets_none() -> None:
    call = Call("m", [HI], stream=True, stream_usage=True)
    body, loss = encode(call, target(stream_options=False))
    assert "stream_options" not in body
    assert loss == ("stream_options.include_usage",)
    dropping = msgspec.structs.replace(TARGET, drop=frozenset({"stream_options"}))
    assert "stream_options" not in encode(call, dropping)[0]


def test_the_targets_members_are_set_and_dropped() -> None:
    to = msgspec.structs.replace(TARGET, set={"seed": Raw(b"1")}, drop=frozenset({"temperature"}))
    body, _ = encode(Call("m", [HI], sampling=Sampling(temperature=1.0)), to)
    assert body["seed"] == 1
    assert "temperature" not in body


def test_what_chat_has_no_word_for_is_lost() -> None:
    call = Call(
        "m",
        [Message("user", [Text("Hi")], phase="commentary")],
        tools=[Tool("web_search", kind="hosted")],
        sampling=Sampling(top_k=4),
        limits=Limits(max_tool_calls=3, truncation="auto"),
        reasoning=ReasoningOptions(summary="auto", budget=0),
        state=State("resp_1", "conv_1", True, True),
        metadata={"a": "b"},
        dialect=OTHER,
        extra={"include": Raw(b"[]")},
    )
    body, loss = encode(call)
    assert set(body) == {"model", "messages"}
    assert set(loss) == {
        "messages[0].phase", "tools[0]", "top_k", "max_tool_calls", "truncation", "reasoning.summary",
        "reasoning.budget", "previous_response_id", "conversation", "background", "store", "metadata", "include",
    }  # fmt: skip


def test_a_default_truncation_is_no_loss() -> None:
    assert encode(Call("m", [HI], limits=Limits(truncation="disabled")))[1] == ()


def test_a_choice_without_tools_is_not_sent_for_another_dialect() -> None:
    body, loss = encode(Call("m", [HI], tool_choice=ToolChoice("auto"), parallel_tool_calls=True, dialect=OTHER))
    assert set(body) == {"model", "messages"}
    assert loss == ()


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("required"), "required"),
        (ToolChoice("tool", ("f",)), {"type": "function", "function": {"name": "f"}}),
        (ToolChoice("tool", ("f",), kind="custom"), {"type": "custom", "custom": {"name": "f"}}),
        (
            ToolChoice("allowed", ("f",)),
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
        ),
    ],
)
def test_tool_choices(choice: ToolChoice, expected: Any) -> None:
    assert encode(Call("m", [HI], tools=[Tool("f")], tool_choice=choice))[0]["tool_choice"] == expected


def test_a_free_form_tools_grammar_is_its_format() -> None:
    tool = Tool("g", "d", kind="custom", grammar=Grammar("lark", "x"))
    body, loss = encode(Call("m", [HI], tools=[tool], dialect=OTHER))
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
    assert body["tools"] == [{"type": "custom", "custom": {"name": "g", "description": "d", "format": grammar}}]
    assert loss == ()


def test_parts_of_a_users_message() -> None:
    blocks: list[Block] = [
        Text("Look"),
        Image(url="https://x/y", detail="low"),
        Image(data="AA", media_type="image/png"),
        Audio("UklG", "wav"),
        File(data="JV", media_type="application/pdf", filename="a.pdf"),
        File(url="https://x/a.pdf"),
        Image(file_id="file-1"),
        Opaque("other", "thing", Raw(b"{}")),
    ]
    messages, loss = written(Message("user", blocks, "Ann"))
    assert messages == [
        {
            "role": "user",
            "name": "Ann",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "https://x/y", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
                {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,JV", "filename": "a.pdf"}},
            ],
        }
    ]
    assert loss == tuple(f"messages[0].content[{at}]" for at in (5, 6, 7))


def test_images_in_a_tools_result_go_to_a_user_message_after_all_results() -> None:
    messages, loss = written(
        Message("assistant", [ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}")]),
        Message("tool", [ToolResult("a", [Image(url="https://x/y")])]),
        Message("tool", [ToolResult("b", [Text("done"), Image(data="AA", media_type="image/png")])]),
        HI,
    )
    assert [message["role"] for message in messages] == ["assistant", "tool", "tool", "user", "user"]
    assert [message["content"] for message in messages[1:3]] == ["The tool's result is in the next message.", "done"]
    assert messages[3]["content"] == [
        {"type": "text", "text": "Result of the tool call a:"},
        {"type": "image_url", "image_url": {"url": "https://x/y"}},
        {"type": "text", "text": "Result of the tool call b:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
    ]
    assert loss == ()


def test_results_within_a_users_message_come_before_its_text() -> None:
    messages, loss = written(
        Message("user", [Text("Now?"), ToolResult("a", [Text("1")], is_error=True), ToolResult("b")])
    )
    assert messages == [
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": ""},
        {"role": "user", "content": "Now?"},
    ]
    assert loss == ("messages[0].content[1].is_error",)


def test_the_pieces_of_one_turn_are_one_assistant_message() -> None:
    messages, _ = written(
        Message("assistant", [Reasoning("Hm")]),
        Message("assistant", [Text("I look.")]),
        Message("assistant", [ToolCall("a", "f", "{}")]),
        Message("assistant", [ToolCall("b", "g", "x", "custom")]),
        Message("tool", [ToolResult("a")]),
        to=target(reasoning_key="reasoning"),
    )
    assert messages[0] == {
        "role": "assistant",
        "content": "I look.",
        "reasoning": "Hm",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "b", "type": "custom", "custom": {"name": "g", "input": "x"}},
        ],
    }
    assert len(messages) == 2


def test_what_is_lost_of_joined_pieces_is_named_by_where_it_stood() -> None:
    item = Opaque("other", "item", Raw(b"{}"))
    _, loss = written(
        Message("assistant", [Reasoning("Hm", summary=True), ToolCall("a", "f")], phase="commentary"),
        Message("assistant", [Reasoning("Hm", summary=True), item, Text("b")], phase="final_answer"),
        Message("tool", [ToolResult("a", [Text("r"), item], extra={"x": Raw(b"1")})]),
    )
    assert sorted(loss) == [
        "messages[0].content[0]",
        "messages[0].phase",
        "messages[1].content[0]",
        "messages[1].content[1]",
        "messages[1].phase",
        "messages[2].content[0].content[1]",
        "messages[2].content[0].x",
    ]


def test_a_tools_turn_without_results_is_never_a_tool_message() -> None:
    item = Opaque("other", "item", Raw(b"{}"))
    messages, loss = written(HI, Message("tool", [item]), Message("tool", [item, Text("Done.")]))
    assert messages[1:] == [{"role": "user", "content": "Done."}]
    assert loss == ("messages[1].content[0]", "messages[2].content[0]")


def test_two_answers_in_a_row_stay_two() -> None:
    messages, _ = written(Message("assistant", [Text("a")]), Message("assistant", [Text("b")]))
    assert [message["content"] for message in messages] == ["a", "b"]


def test_refusals_and_audio_have_their_members() -> None:
    messages, _ = written(Message("assistant", [Refusal("No"), Audio(id="audio_1")]), Message("assistant"))
    assert messages == [
        {"role": "assistant", "audio": {"id": "audio_1"}, "refusal": "No"},
        {"role": "assistant", "content": ""},
    ]


def details(domain: str, form: str = "reasoning_details", dialect: str = OWN) -> Opaque:
    return Opaque(dialect, form, Raw(b'[{"data":"x"}]'), domain)


@pytest.mark.parametrize(
    ("block", "dialect", "kept"),
    [
        (Reasoning("Hm"), OWN, True),
        (Reasoning("Hm"), OTHER, False),
        (Reasoning("Hm", summary=True), OTHER, False),
        (Reasoning("Hm", proof=details("here")), OTHER, True),
        (Reasoning("Hm", proof=details("elsewhere")), OTHER, False),
        (Reasoning("Hm", proof=details("")), OTHER, True),
        (Reasoning("Hm", proof=details("")), OWN, True),
        (Reasoning("Hm", proof=details("here", "thinking", "anthropic-messages")), OTHER, False),
    ],
)
def test_reasoning_goes_back_only_to_where_it_came_from(block: Reasoning, dialect: str, kept: bool) -> None:
    messages, loss = written(Message("assistant", [Text("T"), block]), dialect=dialect)
    assert ("reasoning_content" in messages[0]) is kept
    assert ("reasoning_details" in messages[0]) is (kept and block.proof is not None)
    assert loss == (() if kept else ("messages[0].content[1]",))


def test_several_proofs_are_one_list() -> None:
    blocks: list[Block] = [Reasoning("a", proof=details("here")), Text("T"), Reasoning(proof=details("here"))]
    messages, _ = written(Message("assistant", blocks))
    assert messages[0]["reasoning_details"] == [{"data": "x"}, {"data": "x"}]


def test_own_extra_members_are_written_and_anothers_are_lost() -> None:
    extra = {"x": Raw(b"1.50")}
    call = Call("m", [Message("user", [Text("Hi", extra)], extra=extra)], tools=[Tool("f", extra=extra)], extra=extra)
    body, loss = encode(msgspec.structs.replace(call, dialect=OWN))
    assert loss == ()
    assert body["x"] == body["messages"][0]["x"] == body["messages"][0]["content"][0]["x"] == body["tools"][0]["x"]
    body, loss = encode(msgspec.structs.replace(call, dialect=OTHER))
    assert "x" not in json.dumps(body)
    assert loss == ("messages[0].x", "messages[0].content[0].x", "tools[0].x", "x")


def test_another_dialects_marks_on_a_result_are_lost() -> None:
    result = ToolResult("a", [Text("1")], extra={"cache_control": Raw(b"{}")})
    assert encode(Call("m", [Message("tool", [result])], dialect=OTHER))[1] == ("messages[0].content[0].cache_control",)


def test_a_lone_surrogate_can_be_sent() -> None:
    encoded: Encoded = ChatClient().encode(Call("m", [Message("assistant", [Text("\ud83d")])]), TARGET)
    assert json.loads(encoded.body)["messages"][0]["content"] == "\ud83d"
