"""A Call as an upstream gets it: kept, mapped, or named as lost."""

import json

import msgspec
import pytest
from msgspec import Raw

from gateway import (
    Audio,
    Call,
    File,
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
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from gateway.testing import replay

PROOF = Opaque("anthropic-messages", "thinking", Raw(b'"sig"'), "far")
HI = Message("user", [Text("Hi")])


def test_a_call_of_ones_own_comes_out_as_it_went_in(read, write):
    members = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Look", "images": ["iVBORw0KGgo="], "sparkle": [1]},
            {"role": "assistant", "content": "", "thinking": "Hm", "tool_calls": [
                {"function": {"index": 0, "name": "f", "arguments": {"a": 1.0}}}]},
            {"role": "tool", "content": "42", "tool_name": "f"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "description": "F.", "parameters": {"a": 1}}}],
        "stream": False,
        "options": {"temperature": 0.5, "seed": 3, "stop": ["a"], "num_predict": 9, "num_ctx": 8, "min_p": 0.1},
        "think": "high",
        "format": {"type": "object"},
        "logprobs": True,
        "top_logprobs": 3,
        "keep_alive": "5m",
        "shift": False,
    }  # fmt: skip
    body, encoded = write(read(**members))
    assert body == {"model": "llama3", **members}
    assert encoded.loss == ()
    assert encoded.path == "/api/chat"


def test_what_shows_instructions_or_is_for_prompts_alone_does_not_go_out(read, write):
    body, encoded = write(read(_debug_render_only=True, raw=True))
    assert set(encoded.loss) == {"_debug_render_only", "raw"}
    assert not {"_debug_render_only", "raw"} & set(body)


def test_every_call_says_whether_it_streams(write):
    assert write(Call("m", [HI]))[0]["stream"] is False
    assert write(Call("m", [HI], stream=True))[0]["stream"] is True


@pytest.mark.parametrize(
    ("options", "think", "loss"),
    [
        (ReasoningOptions(), None, ()),
        (ReasoningOptions(effort="none"), False, ()),
        (ReasoningOptions(effort="minimal"), "low", ()),
        (ReasoningOptions(effort="medium"), True, ()),
        (ReasoningOptions(effort="xhigh"), "max", ()),
        (ReasoningOptions(effort="wild"), None, ("reasoning_effort",)),
        (ReasoningOptions(budget=0), False, ()),
        (ReasoningOptions(budget=-1), True, ()),
        (ReasoningOptions(budget=1024), "low", ()),
        (
            ReasoningOptions(effort="high", budget=7, summary="detailed"),
            "high",
            ("reasoning.budget", "reasoning.summary"),
        ),
    ],
)
def test_an_effort_is_a_word_of_think(options, think, loss, write):
    body, encoded = write(Call("m", [HI], reasoning=options))
    assert body.get("think") == think
    assert sorted(encoded.loss) == sorted(loss)


def test_what_has_no_word_is_named(write):
    call = Call(
        "m",
        [
            Message(
                "user", [Text("Hi", extra={"cache_control": Raw(b"{}")}), Image(url="https://x.test/a.png")], "bob"
            ),
            Message("user", [File(data="AA=="), Image(data="AA==", detail="low"), Audio(id="a1")]),
            Message(
                "assistant", [Reasoning("Sum", summary=True), Reasoning("Deep", proof=PROOF), PROOF], phase="final"
            ),
            Message("assistant", [Text("So"), ToolCall("c1", "f", "oops", proof=PROOF)]),
            Message("tool", [ToolResult("c1", [Text("bad")], is_error=True)]),
        ],
        tools=[Tool("web", kind="hosted"), Tool("free", kind="custom"), Tool("f", strict=True)],
        tool_choice=ToolChoice("tool", ("f",)),
        parallel_tool_calls=False,
        sampling=Sampling(choices=2, logit_bias=Raw(b"{}"), top_logprobs=2),
        limits=Limits(max_tool_calls=1, truncation="disabled"),
        output_format=OutputFormat("schema", "name", "What it is", Raw(b'{"type":"object"}')),
        verbosity="low",
        state=State("resp_1", "conv_1", True, True),
        metadata={"a": "b"},
        user="u",
        safety_identifier="s",
        prompt_cache_key="k",
        service_tier="flex",
        dialect="other",
        extra={"odd": Raw(b"1")},
    )
    body, encoded = write(call)
    assert set(encoded.loss) == {
        "messages[0].name", "messages[0].content[0].cache_control", "messages[0].content[1]",
        "messages[1].content[0]", "messages[1].content[1].detail", "messages[1].content[2]",
        "messages[2].phase", "messages[2].content[0]", "messages[2].content[1]", "messages[2].content[2]",
        "messages[2].content[4].proof", "messages[2].content[4].arguments", "messages[4].content[0].is_error",
        "tools[2].strict", "tool_choice", "parallel_tool_calls",
        "n", "logit_bias", "max_tool_calls", "truncation", "response_format.description", "verbosity",
        "previous_response_id", "conversation", "store", "background", "metadata", "user", "safety_identifier",
        "prompt_cache_key", "service_tier", "odd",
    }  # fmt: skip
    assert [tool["function"]["name"] for tool in body["tools"]] == ["f"]
    assert [message["role"] for message in body["messages"]] == ["user", "user", "assistant", "tool"]
    assert body["messages"][2]["tool_calls"][0]["function"]["arguments"] == {"arguments": "oops"}
    assert body["format"] == {"type": "object"}
    assert "top_logprobs" not in body


def test_hosted_and_free_text_tools_are_named(write):
    tools = [Tool("web", kind="hosted"), Tool("free", kind="custom")]
    body, encoded = write(Call("m", [HI], tools=tools, dialect="other"))
    assert encoded.loss == ("tools[0]", "tools[1].type")
    assert body["tools"][0]["function"]["parameters"]["required"] == ["input"]


def test_a_choice_of_none_is_no_tools(write):
    body, encoded = write(Call("m", [HI], tools=[Tool("f")], tool_choice=ToolChoice("none")))
    assert "tools" not in body
    assert encoded.loss == ("tool_choice",)


def test_an_assistants_pieces_of_one_turn_are_one_message(write):
    pieces = [
        Reasoning("Hm"),
        Text("I "),
        Text("look."),
        Refusal("No."),
        ToolCall("c1", "f", kind="custom", arguments="x"),
    ]
    call = Call("m", [HI, *(Message("assistant", [piece]) for piece in pieces)], system=[Text("A"), Text("B")])
    body, encoded = write(call)
    assert encoded.loss == ()
    assert body["messages"] == [
        {"role": "system", "content": "A\n\nB"},
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": "I look.No.",
            "thinking": "Hm",
            "tool_calls": [{"id": "c1", "function": {"index": 0, "name": "f", "arguments": {"input": "x"}}}],
        },
    ]


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1', "[1]", "7", '{"a":' * 5000 + "1" + "}" * 5000])
def test_arguments_that_are_no_object_still_make_valid_json(text, write):
    _, encoded = write(Call("m", [Message("assistant", [ToolCall("c1", "f", text)])]))
    body = json.loads(encoded.body)
    assert body["messages"][0]["tool_calls"][0]["function"]["arguments"] == {"arguments": text}
    assert encoded.loss == ("messages[0].content[0].arguments",)


def test_half_a_character_is_no_defect(write):
    body, _ = write(
        Call("m", [Message("user", [Text("\ud83d")]), Message("assistant", [ToolCall("c", "f", '{"a":"\ud83d"}')])])
    )
    assert body["messages"][0]["content"] == "\ud83d"


def test_members_that_the_upstream_refuses_are_left_out(client):
    target = msgspec.structs.replace(replay.target("m"), quirks=Quirks(refused=frozenset({"think"})))
    encoded = client.encode(Call("m", [HI], reasoning=ReasoningOptions(effort="high")), target)
    assert encoded.loss == ("think",)
    assert "think" not in json.loads(encoded.body)
