"""Calls to bodies, of both of LibreChat's APIs, and what is told as lost."""

import msgspec
import pytest
from gateway_provider_librechat.client import AgentsClient
from msgspec import Raw

from gateway import (
    Audio,
    Call,
    File,
    Image,
    Limits,
    Message,
    Opaque,
    Reasoning,
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

TARGET = replay.target("agent_a")


def written(*messages, **more):
    encoded = AgentsClient().encode(Call("asked", list(messages), **more), TARGET)
    return encoded.path, msgspec.json.decode(encoded.body), encoded.loss


def test_a_plain_call():
    path, body, lost = written(Message("user", [Text("Hi")]), system=[Text("Be kind."), Text("Be brief.")])
    assert path == "/chat/completions"
    assert body == {
        "model": "agent_a",
        "messages": [{"role": "system", "content": "Be kind.\n\nBe brief."}, {"role": "user", "content": "Hi"}],
    }
    assert lost == ()


def test_what_it_ran_itself_it_is_not_told_of_again():
    ran = ToolCall("c1", "look", executor="upstream", server=TARGET.endpoint)
    said = [Message("assistant", [Text("I look."), ran]), Message("tool", [ToolResult("c1", [Text("Sun")])])]
    _, body, lost = written(*said, Message("user", [Text("And?")]))
    assert body["messages"] == [{"role": "assistant", "content": "I look."}, {"role": "user", "content": "And?"}]
    assert lost == ()


def test_a_conversation_with_calls():
    called = [Text("I look."), ToolCall("c1", "look", '{"q":1}')]
    results = [ToolResult("c1", [Text("Sun")]), Text("And?")]
    _, body, lost = written(Message("user", [Text("Hi")]), Message("assistant", called), Message("tool", results))
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"q":1}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Sun"},
        {"role": "user", "content": "And?"},
    ]
    assert lost == ()


def test_parts():
    blocks = [
        Text("See"),
        Image(data="aW1n", media_type="image/png", detail="low"),
        Image(url="https://h/a.png"),
        File(data="cGRm", filename="a.pdf"),
        Audio("c25k", "wav"),
        Refusal("No."),
    ]
    _, body, lost = written(Message("user", blocks))
    assert [part["type"] for part in body["messages"][0]["content"]] == [
        "text",
        "image_url",
        "image_url",
        "file",
        "input_audio",
        "text",
    ]
    assert body["messages"][0]["content"][1]["image_url"] == {"url": "data:image/png;base64,aW1n", "detail": "low"}
    assert lost == ()


@pytest.mark.parametrize(
    "block",
    [
        Reasoning("Hm."),
        Image(file_id="f"),
        File(url="https://h/a.pdf"),
        Audio(id="a"),
        Opaque("open-responses", "item", Raw(b"{}")),
        ToolCall("c", "f", "text", kind="custom"),
        ToolCall("c", "f", "{}", executor="upstream"),
    ],
    ids=lambda block: type(block).__name__ + getattr(block, "kind", ""),
)
@pytest.mark.parametrize("state", [State(), State(previous_response_id="c-1")], ids=["chat", "responses"])
def test_what_has_no_place_is_named(block, state):
    _, _, lost = written(Message("user", [Text("Hi")]), Message("user", [block]), state=state)
    assert lost == ("messages[1].content[0]",)


def test_stored_conversations_go_to_responses():
    messages = [
        Message("user", [Text("Hi"), Image(url="https://h/a.png")]),
        Message("assistant", [ToolCall("c1", "look", "{}")]),
        Message("tool", [ToolResult("c1", [Text("Sun")])]),
        Message("assistant", [Text("Sunny.")]),
    ]
    state = State(previous_response_id="c-1", store=True)
    path, body, lost = written(*messages, system=[Text("Be kind.")], state=state, stream=True)
    assert (path, body["previous_response_id"], body["store"], body["stream"]) == ("/responses", "c-1", True, True)
    assert [(item["type"], item.get("role")) for item in body["input"]] == [
        ("message", "developer"),
        ("message", "user"),
        ("function_call", None),
        ("function_call_output", None),
        ("message", "assistant"),
    ]
    assert lost == ()


@pytest.mark.parametrize(
    ("state", "path"),
    [
        (State(), "/chat/completions"),
        (State(store=False), "/chat/completions"),
        (State(store=True), "/responses"),
        (State(conversation="c-1"), "/responses"),
    ],
    ids=["nothing", "not stored", "stored", "conversation"],
)
def test_which_api_a_call_goes_to(state, path):
    assert written(Message("user", [Text("Hi")]), state=state)[0] == path


@pytest.mark.parametrize(
    ("more", "lost"),
    [
        ({"tools": [Tool("f")], "tool_choice": ToolChoice("required")}, ("tools", "tool_choice")),
        ({"sampling": Sampling(temperature=0.0, top_p=1.0, choices=1)}, ("temperature", "top_p")),
        ({"sampling": Sampling(choices=2)}, ("n",)),
        ({"limits": Limits(max_output=5)}, ("max_output_tokens",)),
        ({"metadata": {"a": "b"}, "user": "u"}, ("metadata", "user")),
        ({"extra": {"top_a": Raw(b"1"), "timezone": Raw(b'"UTC"')}}, ("top_a",)),
        ({"tool_choice": ToolChoice("auto"), "service_tier": "auto"}, ()),
    ],
    ids=["tools", "sampling", "choices", "limit", "names", "members", "nothing"],
)
def test_what_librechat_ignores(more, lost):
    _, body, found = written(Message("user", [Text("Hi")]), **more)
    assert found == lost
    assert body.keys() <= {"model", "messages", "timezone"}
