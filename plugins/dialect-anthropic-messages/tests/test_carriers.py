"""Opaque state on a round trip: out to a client of this dialect, and back to where it came from."""

from __future__ import annotations

import json

import msgspec
import pytest
from gateway_dialect_anthropic_messages import state

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Finished,
    Message,
    Opaque,
    Reasoning,
    Started,
    Text,
    ToolCall,
    carrier,
)
from gateway.testing import replay
from gateway.wire import jsontext

FAR = Opaque("open-responses", "reasoning", jsontext.raw("enc"), "far")


def shown(server, inbound, *events):
    """What the client gets as content."""
    encoder = server.encoder(Call("m"), inbound({"messages": []}), "json")
    body = replay.encoded_reply(encoder, [Started("x"), *events, Finished()])
    return json.loads(body)["content"]


def back(server, inbound, content):
    """The blocks that the gateway reads when the client sends its content back."""
    return (
        server.decode(inbound({"model": "m", "messages": [{"role": "assistant", "content": content}]}))
        .messages[0]
        .blocks
    )


def block(index, kind, proof=None):
    return [
        BlockStart(0, index, kind),
        *([BlockDelta(0, index, proof=proof)] if proof else []),
        BlockStop(0, index),
    ]


def test_each_proof_comes_back_on_its_block(server, inbound):
    of_text = msgspec.structs.replace(FAR, form="text")
    of_call = msgspec.structs.replace(FAR, form="call")
    content = shown(
        server,
        inbound,
        *block(0, Reasoning("Hm"), FAR),
        *block(1, Text("A"), of_text),
        *block(2, ToolCall("t", "f", "{}"), of_call),
        *block(3, ToolCall("u", "f", "{}")),
    )
    assert back(server, inbound, content) == [
        Reasoning("Hm", proof=FAR),
        Text("A", proof=of_text),
        ToolCall("t", "f", "{}", proof=of_call),
        ToolCall("u", "f", "{}"),
    ]


def test_a_block_of_another_dialect_comes_back_whole(server, inbound):
    item = Opaque("open-responses", "item", jsontext.raw({"type": "web_search_call", "id": "w"}), "far")
    assert back(server, inbound, shown(server, inbound, *block(0, item))) == [item]


def test_a_body_with_carriers_is_never_passed_through(server, inbound):
    assert carrier.held_in(json.dumps(shown(server, inbound, *block(0, Reasoning("Hm"), FAR))).encode())


@pytest.mark.parametrize(("domain", "arrives"), [("far", True), ("near", False)])
def test_what_an_upstream_signed_goes_back_to_it_alone(server, client, target, inbound, domain, arrives):
    signed = state.signed("Hm", "sig", "far")
    use = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}}
    result = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"encrypted_content": "e"}]}
    fallback = {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}
    opaques = [Opaque("anthropic-messages", "block", jsontext.raw(one), "far") for one in (use, result, fallback)]
    content = shown(
        server,
        inbound,
        *block(0, Reasoning("Hm"), signed),
        *block(1, Reasoning(proof=state.redacted(jsontext.raw("enc"), "far"))),
        *(event for at, one in enumerate(opaques) for event in block(at + 2, one)),
        *block(5, Text("A")),
    )
    there = msgspec.structs.replace(target, state_domain=domain)
    call = Call("m", [Message("assistant", back(server, inbound, content))], dialect="anthropic-messages")
    encoded = client.encode(call, there)
    sent = json.loads(encoded.body)["messages"][0]["content"]
    if arrives:
        assert sent == [
            {"type": "thinking", "thinking": "Hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "enc"},
            use,
            result,
            fallback,
            {"type": "text", "text": "A"},
        ]
        assert encoded.loss == ()
    else:
        assert sent == "A"
        assert encoded.loss == tuple(f"messages[0].content[{at}]" for at in range(5))
    assert carrier.MARK.encode() not in encoded.body


def test_thoughts_that_were_joined_on_the_way_go_back_as_they_were_signed(client, target):
    proofs = [state.signed(text, f"sig-{text}", target.state_domain) for text in ("one", "two")]
    blocks = [Reasoning("onetwo", proof=proofs[0]), Reasoning(proof=proofs[1])]
    encoded = client.encode(Call("m", [Message("assistant", blocks)], dialect="openai-chat"), target)
    assert json.loads(encoded.body)["messages"][0]["content"] == [
        {"type": "thinking", "thinking": "one", "signature": "sig-one"},
        {"type": "thinking", "thinking": "two", "signature": "sig-two"},
    ]


@pytest.mark.parametrize("payload", [b"7", b'"x"', b"[]", b'{"thinking":7}', b"{"])
def test_a_forged_payload_is_left_out(client, target, payload):
    proof = Opaque("anthropic-messages", "thinking", msgspec.Raw(payload), "")
    call = Call("m", [Message("assistant", [Reasoning("Hm", proof=proof), Text("A")])])
    encoded = client.encode(call, target)
    assert json.loads(encoded.body)["messages"][0]["content"] == "A"
    assert encoded.loss == ("messages[0].content[0]",)
