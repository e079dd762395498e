"""A client's body: what it means, and what is wrong with it."""

import pytest

from gateway import Audio, BadCall, Image, Reasoning, Text, ToolCall, ToolResult
from gateway.testing import replay


def test_a_reply_is_a_stream_unless_the_client_says_otherwise(server, ask, read):
    for members, stream in (({}, True), ({"stream": None}, True), ({"stream": True}, True), ({"stream": False}, False)):
        assert server.peek(ask(**members)).stream is read(**members).stream is stream
    assert server.peek(ask()).framing == "lines"


def test_the_outline_has_the_limit(server, ask):
    assert server.peek(ask(options={"num_predict": 7})).max_output == 7
    assert server.peek(ask(options={"num_predict": -2})).max_output is None
    assert server.peek(ask()).model == "llama3"


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"messages": 7}, "messages"),
        ({"messages": [7]}, "messages[0]"),
        ({"messages": []}, "messages"),
        ({"messages": [{"content": "Hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "control", "content": "Hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": ["Hi"]}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "images": "x"}]}, "messages[0].images"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages[0].tool_calls[0].function"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 7}}]}]},
            "messages[0].tool_calls[0].function.arguments",
        ),
        ({"options": 7}, "options"),
        ({"options": {"temperature": "hot"}}, "options.temperature"),
        ({"options": {"stop": [1]}}, "options.stop"),
        ({"format": "xml"}, "format"),
        ({"format": 7}, "format"),
        ({"think": "hard"}, "think"),
        ({"think": 7}, "think"),
        ({"stream": "yes"}, "stream"),
        ({"model": 7}, "model"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
    ],
)
def test_what_is_wrong_is_named(members, path, server, ask):
    request = ask(**members)
    with pytest.raises(BadCall) as caught:
        server.decode(request)
    assert caught.value.param == path


@pytest.mark.parametrize(
    ("word", "effort"), [(True, "medium"), (False, "none"), ("low", "low"), ("max", "max"), (None, None)]
)
def test_think_is_an_effort(word, effort, read):
    assert read(think=word).reasoning.effort == effort


@pytest.mark.parametrize(
    ("begun", "block"),
    [
        ("iVBORw0KGgoAAAANSUhEUg==", Image(data="iVBORw0KGgoAAAANSUhEUg==", media_type="image/png")),
        ("/9j/4AAQSkZJRgABAQ==", Image(data="/9j/4AAQSkZJRgABAQ==", media_type="image/jpeg")),
        ("UklGRiQAAABXRUJQVlA4IA==", Image(data="UklGRiQAAABXRUJQVlA4IA==", media_type="image/webp")),
        ("UklGRiQAAABXQVZFZm10IA==", Audio(data="UklGRiQAAABXQVZFZm10IA==", format="wav")),
        ("SUQzBAAAAAAAI1RTU0UAAA==", Audio(data="SUQzBAAAAAAAI1RTU0UAAA==", format="mp3")),
        ("no base64!", Image(data="no base64!", media_type="application/octet-stream")),
    ],
)
def test_what_is_in_images_is_told_by_its_first_bytes(begun, block, read):
    call = read(messages=[{"role": "user", "content": "Look", "images": [begun]}])
    assert call.messages[0].blocks == [Text("Look"), block]


def test_results_find_their_calls_by_id_by_name_and_by_their_order(read):
    calls = [{"function": {"name": name, "arguments": {}}} for name in ("f", "g", "f")]
    calls[1]["id"] = "call_g"
    call = read(
        messages=[
            {"role": "assistant", "content": "", "thinking": "Three.", "tool_calls": calls},
            {"role": "tool", "content": "1", "tool_name": "f"},
            {"role": "tool", "content": "2", "tool_call_id": "call_g"},
            {"role": "tool", "content": "3"},
            {"role": "tool", "content": "4", "tool_name": "f"},
        ]
    )
    asked, *answers = call.messages
    assert [type(block) for block in asked.blocks] == [Reasoning, ToolCall, ToolCall, ToolCall]
    ids = [block.id for block in asked.blocks[1:]]
    assert ids == ["olcall_0_0", "call_g", "olcall_0_2"]
    results = [block for message in answers for block in message.blocks if isinstance(block, ToolResult)]
    assert [result.call_id for result in results] == [*ids, "olcall_4_0"]


def test_a_prompt_is_a_conversation_of_one(read):
    call = read("/api/generate", prompt="Why?", system="Be brief.", images=["R0lGODlhAQ=="], raw=True)
    assert [message.role for message in call.messages] == ["system", "user"]
    assert call.messages[1].blocks == [Text("Why?"), Image(data="R0lGODlhAQ==", media_type="image/gif")]
    assert set(call.extra) == {"raw"}
    with pytest.raises(BadCall):
        read("/api/generate", keep_alive=0)


def test_a_model_is_shown_by_either_name(server):
    for body in (b'{"model": "m"}', b'{"name": "m", "verbose": true}'):
        assert server.peek(replay.inbound(server, body, "/api/show")).model == "m"
    with pytest.raises(BadCall):
        server.peek(replay.inbound(server, b"{}", "/api/show"))


@pytest.mark.parametrize("members", [{"messages": 7}, {"options": 7}, {"stream": "yes"}, {"model": 7}])
def test_the_outline_names_what_is_wrong_too(members, server, ask):
    with pytest.raises(BadCall) as caught:
        server.peek(ask(**members))
    assert caught.value.param == next(iter(members))
