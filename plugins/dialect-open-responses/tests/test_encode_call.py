"""A Call to an upstream's body."""

from __future__ import annotations

import json

import msgspec
import pytest
from msgspec import Raw

from gateway import (
    Audio,
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

OWN = "open-responses"
CHAT = "openai-chat"


@pytest.fixture
def encode(client, target):
    def encoded(call, to=target):
        found = client.encode(call, to)
        assert found.path == "/responses"
        return json.loads(found.body), found.loss

    return encoded


def call(*messages, dialect=CHAT, **members):
    return Call("agent", messages=list(messages), dialect=dialect, **members)


def items(encode, *messages, dialect=CHAT):
    body, loss = encode(call(*messages, dialect=dialect))
    return body["input"], loss


def test_system_becomes_instructions_joined_by_blank_lines(encode):
    body, _ = encode(call(Message("user", [Text("hi")]), system=[Text("one"), Text("two")]))
    assert body["instructions"] == "one\n\ntwo"
    assert body["model"] == "upstream-model"
    assert body["input"] == [{"type": "message", "role": "user", "content": "hi"}]


def test_other_members_of_system_text_and_results_are_loss(encode):
    extra = {"cache_control": Raw(b"{}")}
    result = ToolResult("c1", [Text("1")], extra=extra)
    _, loss = encode(call(Message("tool", [result]), system=[Text("one", extra)]))
    assert set(loss) == {"system[0].cache_control", "messages[0].content[0].cache_control"}


def test_a_free_form_tools_grammar_is_its_format(encode):
    tool = Tool("g", kind="custom", grammar=Grammar("lark", "x"))
    for dialect in (CHAT, OWN):
        body, loss = encode(call(tools=[tool], dialect=dialect))
        grammar = {"type": "grammar", "syntax": "lark", "definition": "x"}
        assert body["tools"] == [{"type": "custom", "name": "g", "format": grammar}]
        assert loss == ()


def test_strict_and_store_are_said_for_calls_of_other_dialects(encode):
    tool = Tool("f", parameters=Raw(b"{}"))
    body, _ = encode(call(tools=[tool]))
    assert body["tools"] == [{"type": "function", "name": "f", "parameters": {}, "strict": False}]
    assert body["store"] is False
    body, _ = encode(call(tools=[tool], dialect=OWN))
    assert body["tools"] == [{"type": "function", "name": "f", "parameters": {}}]
    assert "store" not in body
    assert encode(call(state=State(store=True)))[0]["store"] is True


def test_assistant_turn_becomes_items_in_order(encode):
    turn = Message("assistant", [Text("a"), Refusal("no"), ToolCall("c1", "f", "{}"), Text("b")])
    found, loss = items(encode, turn)
    assert found == [
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "a", "annotations": []},
                {"type": "refusal", "refusal": "no"},
            ],
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "message", "role": "assistant", "content": "b"},
    ]
    assert loss == ()


def test_results_of_tools_become_outputs(encode):
    found, loss = items(
        encode,
        Message("tool", [ToolResult("c1", [Text("1")])]),
        Message("user", [ToolResult("c2", [Text("2"), Image(data="AA", media_type="image/png")]), Text("and?")]),
        Message("tool", [ToolResult("c3", kind="custom", is_error=True)]),
    )
    assert found == [
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {
            "type": "function_call_output",
            "call_id": "c2",
            "output": [
                {"type": "input_text", "text": "2"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA"},
            ],
        },
        {"type": "message", "role": "user", "content": "and?"},
        {"type": "custom_tool_call_output", "call_id": "c3", "output": ""},
    ]
    assert loss == ("messages[2].content[0].is_error",)


def test_media_have_their_parts(encode):
    found, loss = items(
        encode,
        Message(
            "user",
            [
                Image(url="https://x", detail="low"),
                Image(file_id="f"),
                File(data="AA", media_type="application/pdf", filename="a.pdf"),
                File(data="BB"),
                File(url="https://y"),
                Audio(data="CC", format="wav"),
            ],
        ),
    )
    assert found[0]["content"] == [
        {"type": "input_image", "image_url": "https://x", "detail": "low"},
        {"type": "input_image", "file_id": "f"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"},
        {"type": "input_file", "file_data": "BB"},
        {"type": "input_file", "file_url": "https://y"},
    ]
    assert loss == ("messages[0].content[5]",)


def test_long_call_id_is_shortened_alike_in_call_and_result(encode):
    long = "call_" + "x" * 90
    found, _ = items(
        encode,
        Message("assistant", [ToolCall(long, "f"), ToolCall("functions.f:0", "f")]),
        Message("tool", [ToolResult(long, [Text("1")])]),
    )
    assert found[0]["call_id"] == found[2]["call_id"]
    assert len(found[0]["call_id"]) <= 64
    assert found[1]["call_id"] == "functions.f:0"


def test_reasoning_goes_only_where_its_proof_came_from(encode):
    def thought(domain, dialect=OWN):
        proof = Opaque(dialect, "reasoning", Raw(b'"gAAAA"'), domain)
        return Message("assistant", [Reasoning("s", True, "rs_1"), Reasoning("t", False, "rs_1", proof)])

    item = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "s"}],
        "id": "rs_1",
        "content": [{"type": "reasoning_text", "text": "t"}],
        "encrypted_content": "gAAAA",
    }
    assert items(encode, thought("place"), dialect=OWN) == ([item], ())
    assert items(encode, thought(""), dialect=OWN) == ([item], ())
    for message in (thought("elsewhere"), thought("place", "anthropic-messages")):
        found, loss = items(encode, message, dialect=OWN)
        assert found == []
        assert len(loss) == 1
    found, loss = items(encode, Message("assistant", [Reasoning("unproved"), Text("a")]))
    assert [item["type"] for item in found] == ["message"]
    assert len(loss) == 1


def test_hosted_items_go_only_where_they_came_from(encode):
    def item(domain):
        return Message("assistant", [Opaque(OWN, "item", Raw(b'{"type":"web_search_call"}'), domain)])

    assert items(encode, item("place"), dialect=OWN) == ([{"type": "web_search_call"}], ())
    assert items(encode, item("elsewhere"), dialect=OWN) == ([], ("messages[0].content[0]",))


def test_what_responses_cannot_say_is_loss(encode):
    _, loss = encode(
        call(
            Message("user", [Text("x", {"cache_control": Raw(b"{}")})], name="Ann", extra={"odd": Raw(b"1")}),
            sampling=Sampling(top_k=1, seed=2, stop=("x",), logit_bias=Raw(b"{}"), choices=2),
            reasoning=ReasoningOptions(budget=0),
            tools=[Tool("web", kind="hosted", extra={"type": Raw(b'"web"')})],
            extra={"prediction": Raw(b"{}")},
        )
    )
    assert set(loss) == {
        "stop",
        "n",
        "seed",
        "logit_bias",
        "top_k",
        "reasoning_budget",
        "messages[0].name",
        "messages[0].odd",
        "messages[0].content[0].cache_control",
        "tools[0]",
        "prediction",
    }
    assert encode(call(sampling=Sampling(choices=1)))[1] == ()


def test_parameters_have_their_members(encode):
    body, loss = encode(
        call(
            sampling=Sampling(0.5, 0.9, frequency_penalty=1, presence_penalty=2, logprobs=True, top_logprobs=4),
            limits=Limits(100, 3, "auto"),
            reasoning=ReasoningOptions("high", "auto"),
            output_format=OutputFormat("schema", "n", "d", Raw(b'{"a":1}'), True),
            verbosity="low",
            parallel_tool_calls=False,
            stream=True,
            metadata={"k": "v"},
            user="u",
            safety_identifier="s",
            prompt_cache_key="p",
            service_tier="flex",
        )
    )
    assert loss == ()
    assert body == {
        "model": "upstream-model",
        "input": [],
        "parallel_tool_calls": False,
        "text": {
            "format": {"type": "json_schema", "name": "n", "schema": {"a": 1}, "description": "d", "strict": True},
            "verbosity": "low",
        },
        "reasoning": {"effort": "high", "summary": "auto"},
        "temperature": 0.5,
        "top_p": 0.9,
        "presence_penalty": 2,
        "frequency_penalty": 1,
        "top_logprobs": 4,
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "max_output_tokens": 100,
        "max_tool_calls": 3,
        "truncation": "auto",
        "store": False,
        "metadata": {"k": "v"},
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "p",
        "service_tier": "flex",
        "stream": True,
    }


def test_fewer_tokens_than_responses_allows_are_raised_and_reported(encode):
    body, loss = encode(call(limits=Limits(5)))
    assert (body["max_output_tokens"], loss) == (16, ("max_output_tokens",))
    body, loss = encode(call(limits=Limits(5), dialect=OWN))
    assert (body["max_output_tokens"], loss) == (5, ())


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice("auto"), "auto"),
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (ToolChoice("tool", ("f",)), {"type": "function", "name": "f"}),
        (ToolChoice("tool", ("c",), kind="custom"), {"type": "custom", "name": "c"}),
        (
            ToolChoice("allowed", ("f", "g"), required=True),
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}],
            },
        ),
    ],
)
def test_every_choice_of_tools(encode, choice, wire):
    assert encode(call(tool_choice=choice))[0]["tool_choice"] == wire


def test_set_and_drop_of_the_target_come_last(encode, target):
    to = msgspec.structs.replace(
        target, set={"temperature": Raw(b"1"), "odd": Raw(b"2")}, drop=frozenset(("store", "odd"))
    )
    body, _ = encode(call(sampling=Sampling(temperature=0.1)), to)
    assert body["temperature"] == 1
    assert "store" not in body
    assert "odd" not in body


def test_own_members_are_written_again(encode):
    body, loss = encode(
        call(
            Message("user", [Text("x")], extra={"id": Raw(b'"msg_1"')}),
            dialect=OWN,
            sampling=Sampling(logprobs=True),
            reasoning=ReasoningOptions("low", proof=True),
            extra={
                "prompt": Raw(b'{"id":"p"}'),
                "include": Raw(b'["web_search_call.action.sources"]'),
                "reasoning": Raw(b'{"context":"auto"}'),
            },
        )
    )
    assert loss == ()
    assert body["prompt"] == {"id": "p"}
    included = ["web_search_call.action.sources", "reasoning.encrypted_content", "message.output_text.logprobs"]
    assert body["include"] == included
    assert body["reasoning"] == {"effort": "low", "context": "auto"}
    assert body["input"][0]["id"] == "msg_1"
