"""A client's body as a Call."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest
from gateway_dialect_anthropic_messages import state

from gateway import BadCall, File, Image, Opaque, Reasoning, Text, ToolCall, ToolResult, carrier
from gateway.wire import jsontext


def read(server, inbound, headers=None, **members):
    body = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}], **members}
    return server.decode(inbound(body, headers))


def blocks(server, inbound, *content, role="user"):
    return read(server, inbound, messages=[{"role": role, "content": list(content)}]).messages[0].blocks


def carry(proof):
    return {"type": "redacted_thinking", "data": carrier.pack(proof)}


SCHEMA = {"type": "json_schema", "schema": {"type": "object"}}
PROOF = Opaque("other", "reasoning", jsontext.raw("secret"), "far")


def test_every_parameter_finds_its_place(server, inbound):
    call = read(
        server,
        inbound,
        system="Be kind.",
        temperature=0.5,
        top_p=0.9,
        top_k=7,
        stop_sequences=["a", "b"],
        stream=True,
        metadata={"user_id": "u1"},
        service_tier="standard_only",
        output_config={"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        cache_control={"type": "ephemeral"},
    )
    assert (call.model, call.limits.max_output, call.stream, call.stream_usage) == ("m", 100, True, True)
    assert [text.text for text in call.system] == ["Be kind."]
    sampling = call.sampling
    assert (sampling.temperature, sampling.top_p, sampling.top_k, sampling.stop) == (0.5, 0.9, 7, ("a", "b"))
    assert (call.user, call.service_tier, call.reasoning.effort) == ("u1", "default", "high")
    assert (call.output_format.kind, bytes(call.output_format.schema)) == ("schema", b'{"type": "object"}')
    assert list(call.extra) == ["cache_control"]
    assert call.dialect == "anthropic-messages"


@pytest.mark.parametrize(
    ("thinking", "budget", "summary"),
    [
        ({"type": "enabled", "budget_tokens": 2048}, 2048, None),
        ({"type": "adaptive", "display": "omitted"}, -1, "none"),
        ({"type": "adaptive", "display": "summarized"}, -1, "auto"),
        ({"type": "disabled"}, 0, None),
    ],
)
def test_thinking_is_a_budget(server, inbound, thinking, budget, summary):
    call = read(server, inbound, thinking=thinking)
    assert (call.reasoning.budget, call.reasoning.summary) == (budget, summary)
    assert not call.extra


def test_thinking_that_is_not_known_rides_along(server, inbound):
    call = read(server, inbound, thinking={"type": "between_tools"})
    assert call.reasoning.budget is None
    assert json.loads(bytes(call.extra["thinking"])) == {"type": "between_tools"}


def test_what_is_left_of_a_member_rides_along(server, inbound):
    call = read(
        server,
        inbound,
        output_config={"effort": "low", "format": {**SCHEMA, "new": 2}, "task_budget": {"total": 9}},
        metadata={"user_id": "u", "team": "t"},
        thinking={"type": "adaptive", "new": 1},
    )
    assert {name: json.loads(bytes(value)) for name, value in call.extra.items()} == {
        "output_config": {"format": {"new": 2}, "task_budget": {"total": 9}},
        "metadata": {"team": "t"},
        "thinking": {"new": 1},
    }


def test_betas_ride_along(server, inbound):
    call = read(server, inbound, {"anthropic-beta": "context-1m-2025-08-07", "anthropic-version": "2026-10-21"})
    assert call.extra == {"anthropic-beta": jsontext.raw("context-1m-2025-08-07")}


def test_the_betas_form_of_an_output_format_is_taken(server, inbound):
    call = read(server, inbound, output_format={**SCHEMA, "new": 3})
    assert bytes(call.output_format.schema) == b'{"type": "object"}'
    assert call.extra == {"output_config": jsontext.raw({"format": {"new": 3}})}


def test_system_is_text_with_its_marks(server, inbound):
    call = read(server, inbound, system=[{"type": "text", "text": "A", "cache_control": {"type": "ephemeral"}}])
    assert call.system[0].text == "A"
    assert "cache_control" in call.system[0].extra


def test_a_system_message_may_change_the_tools_or_say_nothing(server, inbound):
    change = {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "f"}}
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": [{"type": "text", "text": "A"}, change], "clear_at": "never"},
        {"role": "system", "output_config": {"effort": "low"}},
    ]
    _, said, silent = read(server, inbound, messages=messages).messages
    text, changed = said.blocks
    assert (text, changed.form, json.loads(bytes(changed.payload))) == (Text("A"), "block", change)
    assert (list(said.extra), silent.blocks, list(silent.extra)) == (["clear_at"], [], ["output_config"])


def test_roles_say_who_spoke(server, inbound):
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "5"}
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]},
        {"role": "user", "content": [result]},
        {"role": "user", "content": [result, {"type": "text", "text": "And?"}]},
        {"role": "system", "content": "Now be brief."},
    ]
    call = read(server, inbound, messages=messages)
    assert [message.role for message in call.messages] == ["user", "assistant", "tool", "user", "system"]


def test_arguments_keep_their_text(server, inbound):
    body = b'{"model":"m","messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f",'
    body += b'"input":{"b": 1.50, "a":"\\u00fc"}}]}]}'
    [call] = server.decode(inbound(body)).messages[0].blocks
    assert call == ToolCall("t", "f", '{"b": 1.50, "a":"\\u00fc"}')


def test_a_call_by_the_model_itself_says_nothing_more(server, inbound):
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    [call] = blocks(server, inbound, use | {"caller": {"type": "direct"}}, role="assistant")
    assert call.extra == {}
    [call] = blocks(server, inbound, use | {"caller": {"type": "code_execution", "tool_id": "s"}}, role="assistant")
    assert list(call.extra) == ["caller"]


def test_results_hold_texts_images_and_documents(server, inbound):
    content = [
        {"type": "text", "text": "5"},
        {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "doc"}},
        {"type": "tool_reference", "tool_name": "g"},
    ]
    [result] = blocks(
        server, inbound, {"type": "tool_result", "tool_use_id": "t", "content": content, "is_error": True}
    )
    assert isinstance(result, ToolResult)
    assert (result.call_id, result.is_error) == ("t", True)
    assert [type(block) for block in result.blocks] == [Text, Image, File, Opaque]


def test_images_come_in_three_ways(server, inbound):
    found = blocks(
        server,
        inbound,
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}},
        {"type": "image", "source": {"type": "url", "url": "https://x.test/a"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "image", "source": {"type": "new"}},
    )
    assert found[:3] == [
        Image(data="iVBOR", media_type="image/png"),
        Image(url="https://x.test/a"),
        Image(file_id="file_1"),
    ]
    assert isinstance(found[3], Opaque)


def test_documents_come_in_five_ways(server, inbound):
    pdf, text, content, url, file = blocks(
        server,
        inbound,
        {"type": "document", "title": "T", "source": {"type": "base64", "media_type": "application/pdf", "data": "JV"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "one"}]}},
        {"type": "document", "context": "c", "source": {"type": "url", "url": "https://x.test/a.pdf"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
    )
    assert pdf == File(data="JV", media_type="application/pdf", filename="T")
    assert b64decode(text.data).decode() == "Grüße"
    assert b64decode(content.data) == b"one"
    assert json.loads(bytes(content.extra["source"])) == {
        "type": "content",
        "content": [{"type": "text", "text": "one"}],
    }
    assert (url.url, list(url.extra)) == ("https://x.test/a.pdf", ["context"])
    assert file.file_id == "file_1"


def test_a_search_result_can_be_read_by_any_model(server, inbound):
    part = {
        "type": "search_result",
        "title": "T",
        "source": "https://x.test",
        "content": [{"type": "text", "text": "B"}],
    }
    [found] = blocks(server, inbound, part)
    assert found.text == "T\n\nhttps://x.test\n\nB"
    assert {name: json.loads(bytes(value)) for name, value in found.extra.items()} == part


def test_blocks_of_server_tools_stay_whole(server, inbound):
    use = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    found = blocks(server, inbound, use, result, role="assistant")
    assert [json.loads(bytes(block.payload)) for block in found] == [use, result]
    assert {(block.dialect, block.form, block.domain) for block in found} == {("anthropic-messages", "block", "")}


def test_signatures_are_the_clients_word(server, inbound):
    thought, secret = blocks(
        server,
        inbound,
        {"type": "thinking", "thinking": "Hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "enc"},
        role="assistant",
    )
    assert thought == Reasoning("Hm", proof=state.signed("Hm", "sig"))
    assert secret == Reasoning(proof=state.redacted(jsontext.raw("enc")))


def test_thoughts_without_a_signature_prove_nothing(server, inbound):
    for signature in ({}, {"signature": ""}):
        [thought] = blocks(server, inbound, {"type": "thinking", "thinking": "Hm", **signature}, role="assistant")
        assert thought == Reasoning("Hm")


def test_a_carrier_is_what_it_carries(server, inbound):
    thought, secret = blocks(
        server,
        inbound,
        {"type": "thinking", "thinking": "Hm", "signature": carrier.pack(PROOF)},
        carry(PROOF),
        role="assistant",
    )
    assert thought == Reasoning("Hm", proof=PROOF)
    assert secret == Reasoning(proof=PROOF)


def test_a_carrier_of_a_block_is_that_block(server, inbound):
    item = Opaque("open-responses", "item", jsontext.raw({"type": "web_search_call"}), "far")
    assert blocks(server, inbound, carry(item), role="assistant") == [item]


def test_a_carrier_behind_a_text_or_call_is_its_proof(server, inbound):
    of_text, of_call = (Opaque("other", form, jsontext.raw("s"), "far") for form in ("text", "call"))
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    found = blocks(
        server, inbound, {"type": "text", "text": "A"}, carry(of_text), call, carry(of_call), role="assistant"
    )
    assert found == [Text("A", proof=of_text), ToolCall("t", "f", "{}", proof=of_call)]


def test_a_carrier_whose_text_is_gone_stands_for_an_empty_one(server, inbound):
    proof = Opaque("other", "text", jsontext.raw("s"), "far")
    assert blocks(server, inbound, carry(proof), role="assistant") == [Text(proof=proof)]
    gone = Opaque("other", "call", jsontext.raw("s"), "far")
    assert blocks(server, inbound, {"type": "text", "text": "A"}, carry(gone), role="assistant") == [Text("A")]


def test_tools_and_those_of_the_vendor(server, inbound):
    schema = {"type": "object"}
    call = read(
        server,
        inbound,
        tools=[
            {"name": "f", "description": "d", "input_schema": schema, "strict": True, "defer_loading": True},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
        ],
    )
    own, hosted = call.tools
    assert (own.name, own.description, own.strict, list(own.extra)) == ("f", "d", True, ["defer_loading"])
    assert (hosted.kind, hosted.name) == ("hosted", "web_search")
    assert list(hosted.extra) == ["type", "name", "max_uses"]


@pytest.mark.parametrize(
    ("choice", "mode", "names", "parallel"),
    [
        ({"type": "auto"}, "auto", (), None),
        ({"type": "any", "disable_parallel_tool_use": True}, "required", (), False),
        ({"type": "tool", "name": "f", "disable_parallel_tool_use": False}, "tool", ("f",), True),
        ({"type": "none"}, "none", (), None),
    ],
)
def test_tool_choices(server, inbound, choice, mode, names, parallel):
    call = read(server, inbound, tool_choice=choice)
    assert (call.tool_choice.mode, call.tool_choice.names, call.parallel_tool_calls) == (mode, names, parallel)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        (
            {
                "messages": [
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": 3}]}
                ]
            },
            "messages[0].content[0].input",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "tool_result",
                                "tool_use_id": "t",
                                "content": [{"type": "thinking", "thinking": "x"}],
                            }
                        ],
                    }
                ]
            },
            "messages[0].content[0].content",
        ),
        ({"system": [{"type": "image"}]}, "system[0].type"),
        ({"messages": [{"role": "system", "content": [{"type": "image"}]}]}, "messages[0].content[0].type"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tools": [{"name": "f", "input_schema": 3}]}, "tools[0].input_schema"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"temperature": "warm"}, "temperature"),
        ({"stop_sequences": "x"}, "stop_sequences"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        ({"max_tokens": 1.5}, "max_tokens"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(server, inbound, members, param):
    with pytest.raises(BadCall) as refused:
        read(server, inbound, **members)
    assert refused.value.param == param
    assert f"`{param}`" in refused.value.public
