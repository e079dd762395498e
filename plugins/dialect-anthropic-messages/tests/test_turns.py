"""Messages as the vendor takes them: turns, results, state, pictures."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from gateway_dialect_anthropic_messages import state

from gateway import (
    Audio,
    Call,
    File,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    carrier,
)
from gateway.wire import jsontext


def written(client, target, *messages, dialect="openai-chat"):
    encoded = client.encode(Call("m", list(messages), dialect=dialect), target)
    return json.loads(encoded.body), encoded.loss


def content(client, target, *blocks, role="user", dialect="openai-chat"):
    found, loss = written(client, target, Message(role, list(blocks)), dialect=dialect)
    return [message["content"] for message in found["messages"]], loss


def test_parallel_results_stand_in_one_turn_with_what_follows(client, target):
    found, loss = written(
        client,
        target,
        Message("user", [Text("Hi")]),
        Message("assistant", [Text("I look.")]),
        Message("assistant", [ToolCall("a", "f", "{}"), ToolCall("b", "f", '{"x": 1.0}')]),
        Message("tool", [ToolResult("a", [Text("1")])]),
        Message("tool", [ToolResult("b", [Text("2")], is_error=True)]),
        Message("user", [Text("And?")]),
    )
    assert [message["role"] for message in found["messages"]] == ["user", "assistant", "user"]
    assert [block["type"] for block in found["messages"][1]["content"]] == ["text", "tool_use", "tool_use"]
    assert found["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "1"},
        {"type": "tool_result", "tool_use_id": "b", "content": "2", "is_error": True},
        {"type": "text", "text": "And?"},
    ]
    assert loss == ()


def test_its_own_turns_stay_apart(client, target):
    found, _ = written(
        client, target, Message("user", [Text("A")]), Message("user", [Text("B")]), dialect="anthropic-messages"
    )
    assert len(found["messages"]) == 2


def test_system_texts_are_hoisted_in_their_order(client, target):
    found, loss = written(
        client,
        target,
        Message("developer", [Text("A")]),
        Message("user", [Text("Hi")]),
        Message("system", [Text("B"), Image(url="https://x.test/a")]),
    )
    assert found["system"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert len(found["messages"]) == 1
    assert loss == ("messages[2].position", "messages[2].content[1]")


def test_its_own_system_messages_stay_where_they_stood(client, target):
    found, loss = written(
        client, target, Message("user", [Text("Hi")]), Message("system", [Text("B")]), dialect="anthropic-messages"
    )
    assert found["messages"][1] == {"role": "system", "content": "B"}
    assert "system" not in found
    assert loss == ()


def test_changes_of_tools_stay_in_its_own_system_messages(client, target):
    change = Opaque("anthropic-messages", state.BLOCK, jsontext.raw({"type": "tool_removal", "tool": {"name": "f"}}))
    said = Message("system", [change])
    found, loss = written(client, target, Message("user", [Text("Hi")]), said, dialect="anthropic-messages")
    assert found["messages"][1] == {"role": "system", "content": [{"type": "tool_removal", "tool": {"name": "f"}}]}
    assert loss == ()


def test_a_system_message_without_content_has_none(client, target):
    effort = Message("system", extra={"output_config": jsontext.raw({"effort": "low"})})
    found, _ = written(client, target, Message("user", [Text("Hi")]), effort, dialect="anthropic-messages")
    assert found["messages"][1] == {"role": "system", "output_config": {"effort": "low"}}


def test_system_texts_alone_ask_with_the_last_of_them(client, target):
    found, loss = written(client, target, Message("system", [Text("A")]), Message("system", [Text("B")]))
    assert (found["system"], found["messages"]) == ("A", [{"role": "user", "content": "B"}])
    assert loss == ("messages[0].role",)


def test_empty_texts_are_left_out(client, target):
    found, loss = written(client, target, Message("user", [Text("Hi")]), Message("assistant", [Text("")]))
    assert found["messages"] == [{"role": "user", "content": "Hi"}]
    assert loss == ()


@pytest.mark.parametrize(
    ("arguments", "given", "loss"),
    [
        ('{"b": 1.50, "a": 2}', {"b": 1.5, "a": 2}, ()),
        ("", {}, ()),
        ("{", {"INVALID_JSON": "{"}, ("messages[0].content[0].arguments",)),
        ("[1]", {"INVALID_JSON": "[1]"}, ("messages[0].content[0].arguments",)),
        ('{"a": NaN}', {"INVALID_JSON": '{"a": NaN}'}, ("messages[0].content[0].arguments",)),
    ],
)
def test_arguments_are_objects(client, target, arguments, given, loss):
    [[call]], lost = content(client, target, ToolCall("t", "f", arguments), role="assistant")
    assert (call["input"], lost) == (given, loss)


def test_arguments_keep_their_bytes(client, target):
    call = Call("m", [Message("assistant", [ToolCall("t", "f", '{"b": 1.50,"a":"\\u00fc"}')])])
    assert b'"input":{"b": 1.50,"a":"\\u00fc"}' in client.encode(call, target).body


def test_free_text_of_a_custom_call_is_an_object(client, target):
    [[call]], loss = content(client, target, ToolCall("t", "f", "SELECT 1", kind="custom"), role="assistant")
    assert (call["input"], loss) == ({"input": "SELECT 1"}, ())


def test_ids_that_the_vendor_refuses_are_mapped_alike_for_call_and_result(client, target):
    found, _ = written(
        client,
        target,
        Message("assistant", [ToolCall("call:1/ü", "f", "{}"), ToolCall("call_2", "f", "{}")]),
        Message("tool", [ToolResult("call:1/ü", [Text("x")]), ToolResult("call_2", [Text("y")])]),
    )
    calls = [block["id"] for block in found["messages"][0]["content"]]
    results = [block["tool_use_id"] for block in found["messages"][1]["content"]]
    assert calls == results
    assert calls[0].isascii()
    assert calls[0].startswith("toolu_")
    assert calls[1] == "call_2"


def test_a_signature_goes_back_to_its_maker_alone(client, target):
    ours = state.signed("Hm, as signed", "sig", target.state_domain)
    theirs = state.signed("Hm", "sig", "elsewhere")
    foreign = Opaque("gemini", "reasoning", jsontext.raw("x"), target.state_domain)
    [found], loss = content(
        client,
        target,
        Reasoning("Hm", proof=ours),
        Reasoning("Hm", proof=theirs),
        Reasoning("Hm", proof=foreign),
        Reasoning("Hm"),
        Reasoning(proof=state.redacted(jsontext.raw("enc"), target.state_domain)),
        Text("Hi"),
        role="assistant",
    )
    assert found == [
        {"type": "thinking", "thinking": "Hm, as signed", "signature": "sig"},
        {"type": "redacted_thinking", "data": "enc"},
        {"type": "text", "text": "Hi"},
    ]
    assert loss == tuple(f"messages[0].content[{at}]" for at in (1, 2, 3))


def test_proofs_of_texts_and_calls_are_of_other_vendors(client, target):
    proof = Opaque("gemini", "text", jsontext.raw("x"), "far")
    _, loss = content(client, target, Text("A", proof=proof), ToolCall("t", "f", "{}", proof=proof), role="assistant")
    assert loss == ("messages[0].content[0].proof", "messages[0].content[1].proof")


def test_blocks_of_server_tools_go_back_to_their_maker_alone(client, target):
    use = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}}
    here = Opaque("anthropic-messages", "block", jsontext.raw(use), target.state_domain)
    tagged = use | {"id": carrier.tag_id("srv_1", target.state_domain)}
    elsewhere = use | {"id": carrier.tag_id("srv_1", "elsewhere")}
    back = [Opaque("anthropic-messages", "block", jsontext.raw(one)) for one in (tagged, elsewhere)]
    item = Opaque("open-responses", "item", jsontext.raw({}), target.state_domain)
    [found], loss = content(
        client, target, here, *back, item, Reasoning(proof=here), role="assistant", dialect="anthropic-messages"
    )
    assert found == [use, use, use]
    assert loss == ("messages[0].content[2]", "messages[0].content[3]")


def test_a_refusal_is_text(client, target):
    [found], _ = content(client, target, Refusal("No."), role="assistant")
    assert found == "No."


@pytest.mark.parametrize(
    ("block", "source"),
    [
        (Image(url="https://x.test/a"), {"type": "url", "url": "https://x.test/a"}),
        (Image(data="AA", media_type="image/gif"), {"type": "base64", "media_type": "image/gif", "data": "AA"}),
        (Image(data="/9j/4A"), {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4A"}),
        (Image(data="AA", media_type="image/JPG"), {"type": "base64", "media_type": "image/jpeg", "data": "AA"}),
        (Image(data="AA", detail="auto"), {"type": "base64", "media_type": "image/png", "data": "AA"}),
    ],
)
def test_images(client, target, block, source):
    assert content(client, target, block) == ([[{"type": "image", "source": source}]], ())


PLAIN = b64encode("Grüße".encode()).decode()


@pytest.mark.parametrize(
    ("block", "written_as"),
    [
        (File(url="https://x.test/a.pdf"), {"source": {"type": "url", "url": "https://x.test/a.pdf"}}),
        (
            File(url="https://x.test/a", media_type="application/pdf"),
            {"source": {"type": "url", "url": "https://x.test/a"}},
        ),
        (
            File(data="JVBE", media_type="application/pdf", filename="a.pdf"),
            {"source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}, "title": "a.pdf"},
        ),
        (File(data="JVBE"), {"source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}}),
        (
            File(data=PLAIN, filename="a.txt"),
            {"source": {"type": "text", "media_type": "text/plain", "data": "Grüße"}, "title": "a.txt"},
        ),
        (
            File(data=PLAIN, media_type="text/csv; charset=utf-8"),
            {"source": {"type": "text", "media_type": "text/plain", "data": "Grüße"}},
        ),
    ],
)
def test_documents(client, target, block, written_as):
    assert content(client, target, block) == ([[{"type": "document", **written_as}]], ())


def test_a_picture_that_came_as_a_file_is_a_picture(client, target):
    [[found]], loss = content(client, target, File(data="iVBORw0", media_type="image/png", filename="a.png"))
    assert found == {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0"}}
    assert loss == ()


@pytest.mark.parametrize(
    ("block", "role", "path"),
    [
        (Audio(data="AA", format="wav"), "user", "messages[0].content[0]"),
        (Image(file_id="file_of_another_vendor"), "user", "messages[0].content[0]"),
        (File(file_id="file_of_another_vendor"), "user", "messages[0].content[0]"),
        (File(data="UEsD", media_type="application/zip"), "user", "messages[0].content[0]"),
        (File(url="https://x.test/a", media_type="video/mp4"), "user", "messages[0].content[0]"),
        (Image(data="AA"), "assistant", "messages[0].content[0]"),
        (Image(data="AA", media_type="image/heic"), "user", "messages[0].content[0]"),
        (File(data="AA", media_type="image/tiff"), "user", "messages[0].content[0]"),
        (Image(data="AA", detail="low"), "user", "messages[0].content[0].detail"),
        (Text("x", {"prompt": jsontext.raw(1)}), "user", "messages[0].content[0].prompt"),
    ],
)
def test_what_has_no_place_is_told(client, target, block, role, path):
    assert content(client, target, block, Text("Hi"), role=role)[1] == (path,)


def test_names_of_authors_and_phases_are_told(client, target):
    _, loss = written(client, target, Message("user", [Text("Hi")], name="Ann", phase="commentary"))
    assert loss == ("messages[0].name", "messages[0].phase")


def test_results_hold_pictures(client, target):
    [[result]], loss = content(client, target, ToolResult("t", [Text("A"), Image(url="https://x.test/a")]), role="tool")
    assert [part["type"] for part in result["content"]] == ["text", "image"]
    assert loss == ()


def test_a_citation_of_another_vendor_is_not_sent(client, target):
    made_up = {"type": "web_search_result_location", "encrypted_index": carrier.pack(Opaque("x", "y", jsontext.raw(1)))}
    real = {"type": "web_search_result_location", "encrypted_index": "enc"}
    text = Text("A", {"citations": jsontext.raw([made_up, real])})
    [[found]], loss = content(client, target, text, role="assistant", dialect="anthropic-messages")
    assert found["citations"] == [real]
    assert loss == ("messages[0].content[0].citations",)
