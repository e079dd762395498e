"""A client's body to a Call."""

from __future__ import annotations

import json

import pytest
from msgspec import Raw

from gateway import (
    Audio,
    BadCall,
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

NAME = "open-responses"


@pytest.fixture
def decode(server, inbound):
    return lambda **body: server.decode(inbound({"model": "m", "input": "hi"} | body))


@pytest.fixture
def messages(decode):
    return lambda *items: decode(input=list(items)).messages


def opaque(item, form="item"):
    return Opaque(NAME, form, Raw(json.dumps(item).encode()))


def plain(values):
    """Blocks with their raw members as bytes, to be compared."""
    return repr(values), [bytes(v.payload) for v in values if isinstance(v, Opaque)]


def test_string_is_one_user_message_and_instructions_are_the_system(decode):
    call = decode(instructions="be kind")
    assert call.messages == [Message("user", [Text("hi")])]
    assert call.system == [Text("be kind")]
    assert (call.model, call.dialect, call.stream, call.stream_usage) == ("m", NAME, False, True)


def test_messages_with_and_without_type_are_the_same(messages):
    for role in ("user", "system", "developer"):
        assert messages({"role": role, "content": "a"}) == messages({"type": "message", "role": role, "content": "a"})
        assert messages({"role": role, "content": "a"}) == [Message(role, [Text("a")])]


def test_parts_become_blocks(messages):
    parts = [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": None},
        {"type": "input_image", "file_id": "file_1"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,BBBB", "filename": "a.pdf"},
        {"type": "input_file", "file_data": "DATA:text/plain;charset=utf-8;base64,EEEE"},
        {"type": "input_file", "file_data": "CCCC"},
        {"type": "input_file", "file_url": "https://x/a.pdf"},
        {"type": "input_audio", "input_audio": {"data": "DDDD", "format": "wav"}},
    ]
    assert messages({"role": "user", "content": parts})[0].blocks == [
        Text("see"),
        Image(url="https://x/y.png", detail="low"),
        Image(data="AAAA", media_type="image/png"),
        Image(file_id="file_1"),
        File(data="BBBB", media_type="application/pdf", filename="a.pdf"),
        File(data="EEEE", media_type="text/plain"),
        File(data="CCCC"),
        File(url="https://x/a.pdf"),
        Audio(data="DDDD", format="wav"),
    ]


def test_items_of_the_assistant_in_a_row_are_one_message_in_order(messages):
    found = messages(
        {"role": "user", "content": "q"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "no"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "x"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "2"}]},
        {"role": "assistant", "content": "b"},
        {"role": "assistant", "content": "c", "phase": "final_answer"},
    )
    assert [message.role for message in found] == ["user", "assistant", "tool", "tool", "assistant", "assistant"]
    thought, text, refusal, call, custom = found[1].blocks
    assert (thought.text, thought.summary, thought.id) == ("s", True, "rs_1")
    assert (text, refusal) == (Text("a"), Refusal("no"))
    assert call == ToolCall("c1", "f", "{}")
    assert custom == ToolCall("c2", "g", "x", kind="custom")
    assert found[2].blocks == [ToolResult("c1", [Text("1")])]
    assert found[3].blocks == [ToolResult("c2", [Text("2")], kind="custom")]
    assert found[5].phase == "final_answer"


def test_reasoning_keeps_its_proof_on_its_last_block(messages):
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "s"}],
        "content": [{"type": "reasoning_text", "text": "t"}],
        "encrypted_content": "gAAAA",
    }
    first, last = messages(item)[0].blocks
    assert first == Reasoning("s", True, "rs_1")
    assert (last.text, last.summary, last.proof.domain, last.proof.form) == ("t", False, "", "reasoning")
    assert bytes(last.proof.payload) == b'"gAAAA"'


def test_reasoning_without_text_or_secret_is_proved_by_its_id(messages):
    (block,) = messages({"type": "reasoning", "id": "rs_1", "summary": []})[0].blocks
    assert (block.id, bytes(block.proof.payload)) == ("rs_1", b"null")


@pytest.mark.parametrize(
    "item",
    [
        {"id": "msg_1"},
        {"type": "item_reference", "id": "msg_1"},
        {"type": None, "id": "msg_1"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "compaction", "encrypted_content": "x"},
        {"type": "acme:receipt", "id": "1"},
    ],
)
def test_other_items_are_carried_as_they_are(messages, item):
    (block,) = messages(item)[0].blocks
    assert (block.dialect, block.form, json.loads(bytes(block.payload))) == (NAME, "item", item)


def test_result_may_hold_images_files_and_video(messages):
    parts = [
        {"type": "input_image", "image_url": "https://x"},
        {"type": "input_video", "video_url": "https://v"},
    ]
    (result,) = messages({"type": "function_call_output", "call_id": "c", "output": parts})[0].blocks
    image, video = result.blocks
    assert image == Image(url="https://x")
    assert {name: bytes(value) for name, value in video.extra.items()} == {
        "type": b'"input_video"',
        "video_url": b'"https://v"',
    }


def test_empty_annotations_say_nothing_and_others_stay(messages):
    empty = {"type": "output_text", "text": "a", "annotations": [], "logprobs": []}
    full = {"type": "output_text", "text": "a", "annotations": [{"type": "x"}]}
    assert messages({"role": "assistant", "content": [empty]})[0].blocks == [Text("a")]
    (text,) = messages({"role": "assistant", "content": [full]})[0].blocks
    assert bytes(text.extra["annotations"]) == b'[{"type": "x"}]'


def test_tools_of_every_sort(decode):
    function = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
    custom = {"type": "custom", "name": "c", "format": {"type": "text"}}
    hosted = {"type": "web_search", "search_context_size": "low"}
    f, c, h = decode(tools=[function, custom, hosted]).tools
    assert (f.name, f.description, bytes(f.parameters), f.strict) == ("f", "d", b'{"type": "object"}', True)
    assert (c.name, c.kind, list(c.extra)) == ("c", "custom", ["format"])
    assert (h.name, h.kind, list(h.extra)) == ("web_search", "hosted", ["type", "search_context_size"])
    assert decode(tools=[{"type": "function", "name": "f"}]).tools == [Tool("f")]


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        (None, None),
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "f"}, ToolChoice("tool", ("f",))),
        ({"type": "custom", "name": "c"}, ToolChoice("tool", ("c",), kind="custom")),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice("allowed", ("f",), required=True),
        ),
        (
            {"type": "allowed_tools", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice("allowed", ("f",)),
        ),
    ],
)
def test_every_choice_of_tools(decode, given, choice):
    call = decode(tool_choice=given)
    assert call.tool_choice == choice
    assert "tool_choice" not in call.extra


@pytest.mark.parametrize(
    "given",
    [
        {"type": "web_search"},
        {"type": "mcp", "server_label": "s"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp", "server_label": "s"}]},
    ],
)
def test_choice_of_a_hosted_tool_stays_this_dialects(decode, given):
    call = decode(tool_choice=given)
    assert call.tool_choice is None
    assert json.loads(bytes(call.extra["tool_choice"])) == given


def test_parameters_have_their_places(decode):
    call = decode(
        temperature=0,
        top_p=0.5,
        presence_penalty=1,
        frequency_penalty=-1,
        top_logprobs=3,
        include=["message.output_text.logprobs"],
        max_output_tokens=99,
        max_tool_calls=2,
        truncation="auto",
        parallel_tool_calls=False,
        reasoning={"effort": "low", "summary": "auto"},
        text={"verbosity": "low", "format": {"type": "json_object"}},
        previous_response_id="resp_1",
        conversation={"id": "conv_1"},
        store=True,
        background=False,
        metadata={"a": "b"},
        user="u",
        safety_identifier="s",
        prompt_cache_key="p",
        service_tier="flex",
        stream=True,
    )
    assert call.sampling == Sampling(
        0.0, 0.5, frequency_penalty=-1.0, presence_penalty=1.0, logprobs=True, top_logprobs=3
    )
    assert call.limits == Limits(99, 2, "auto")
    assert call.reasoning == ReasoningOptions("low", "auto")
    assert call.output_format == OutputFormat("json")
    assert call.state == State("resp_1", "conv_1", True, False)
    assert (call.verbosity, call.parallel_tool_calls, call.metadata) == ("low", False, {"a": "b"})
    assert (call.user, call.safety_identifier, call.prompt_cache_key, call.service_tier) == ("u", "s", "p", "flex")
    assert (call.stream, call.extra) == (True, {})


def test_schema_keeps_its_bytes(server, inbound):
    body = b'{"input":"x","text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"a" : 1.0}}}}'
    found = server.decode(inbound(body)).output_format
    assert (found.kind, found.name, found.strict, bytes(found.schema)) == ("schema", "n", True, b'{"a" : 1.0}')


def test_unknown_members_ride_along_and_nulls_do_not(decode):
    call = decode(
        prompt={"id": "p"},
        moderation=None,
        include=["reasoning.encrypted_content", "web_search_call.action.sources", "message.output_text.logprobs"],
        reasoning={"effort": "low", "context": "auto"},
        text={"format": {"type": "text"}, "novelty": 1},
    )
    assert {name: json.loads(bytes(value)) for name, value in call.extra.items()} == {
        "prompt": {"id": "p"},
        "include": ["web_search_call.action.sources"],
        "reasoning": {"context": "auto"},
        "text": {"novelty": 1},
    }
    assert call.reasoning.proof is True


def test_all_nulls_are_a_call_without_anything(decode):
    names = (
        "instructions tools tool_choice metadata text reasoning include temperature top_p stream store background "
        "previous_response_id conversation max_output_tokens user truncation parallel_tool_calls top_logprobs"
    )
    assert decode(**dict.fromkeys(names.split())) == decode()


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"input": [7]}, "input[0]"),
        ({"input": [{}]}, "input[0].type"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"type": "message", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 7}]}, "input[0].content"),
        ({"input": ["x"]}, "input[0]"),
        (
            {"input": [{"role": "user", "content": "x"}, {"role": "user", "content": [{"text": "x"}]}]},
            "input[1].content[0].type",
        ),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": {"url": "x"}}]}]},
            "input[0].content[0].image_url",
        ),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": {}}]}, "input[0].arguments"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"input": [{"type": "reasoning", "summary": "x"}]}, "input[0].summary"),
        ({"input": [{"type": "reasoning", "summary": ["x"]}]}, "input[0].summary[0]"),
        ({"instructions": ["x"]}, "instructions"),
        ({"tools": {}}, "tools"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "strict": "yes"}]}, "tools[0].strict"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type"),
        ({"reasoning": "low"}, "reasoning"),
        ({"include": [1]}, "include[0]"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_logprobs": 1.5}, "top_logprobs"),
        ({"stream": 1}, "stream"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(decode, body, path):
    with pytest.raises(BadCall) as caught:
        decode(**body)
    assert caught.value.param == path
    assert f"`{path}`" in caught.value.public


def test_number_beyond_all_bounds_is_refused(server, inbound):
    with pytest.raises(BadCall, match="temperature"):
        server.decode(inbound(b'{"input":"x","temperature":1e999}'))


def test_a_free_form_tools_grammar_is_read_and_one_that_says_more_stays(decode):
    grammar = {"type": "grammar", "syntax": "lark", "definition": "x"}
    custom = {"type": "custom", "name": "c"}
    plain, more = decode(tools=[custom | {"format": grammar}, custom | {"format": grammar | {"start": "y"}}]).tools
    assert plain == Tool("c", kind="custom", grammar=Grammar("lark", "x"))
    assert (more.grammar, list(more.extra)) == (None, ["format"])
