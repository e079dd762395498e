"""Opaque state on its way through clients: out in `encrypted_content`, back, and on to its maker alone."""

from __future__ import annotations

import json

import msgspec
import pytest
from msgspec import Raw

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
    Target,
    Text,
    ToolCall,
    sse,
)
from gateway.testing import replay

SIGNATURE = Opaque("anthropic-messages", "thinking", Raw(b'"c2lnbmVk"'), "claude")
REDACTED = Opaque("anthropic-messages", "redacted", Raw(b'"ZGF0YQ=="'), "claude")
CALL = Opaque("gemini", "call", Raw(b'"dGhvdWdodA=="'), "google")
TEXT = Opaque("gemini", "text", Raw(b'"dGV4dA=="'), "google")
FRAMINGS = ["sse", "json"]


def said(*blocks):
    """A reply in which each proof comes at the end of its block."""
    events = [Started("resp_1", "up", 7)]
    for at, block in enumerate(blocks):
        proof = getattr(block, "proof", None)
        bare = block if proof is None else msgspec.structs.replace(block, proof=None)
        events.append(BlockStart(0, at, bare))
        events += [BlockDelta(0, at, proof=proof)] if proof is not None else []
        events.append(BlockStop(0, at))
    return [*events, Finished(0, "stop", at=8)]


@pytest.fixture
def written(server, inbound):
    """A reply's items as a client has them in the end, and its loss."""

    def made(framing, events):
        encoder = server.encoder(Call("asked"), inbound({"input": "Hi"}), framing)
        body = replay.encoded_reply(encoder, events)
        if framing == "json":
            return json.loads(body)["output"], encoder.loss
        streamed = [json.loads(sse.data(event)) for event in sse.events(body)[:-1]]
        done = {
            event["output_index"]: event["item"] for event in streamed if event["type"] == "response.output_item.done"
        }
        items = [done[index] for index in sorted(done)]
        assert streamed[-1]["response"]["output"] == items
        return items, encoder.loss

    return made


@pytest.fixture
def brought_back(server, inbound):
    def made(items):
        body = {"model": "m", "input": [{"role": "user", "content": "Hi"}, *items]}
        return [block for message in server.decode(inbound(body)).messages[1:] for block in message.blocks]

    return made


def shown(blocks):
    """As builtins, since raw JSON compares by identity; without names of items, which only this dialect has."""
    found = [json.loads(msgspec.json.encode(block)) for block in blocks]
    return [{name: value for name, value in one.items() if name not in ("item_id", "id")} for one in found]


@pytest.mark.parametrize("framing", FRAMINGS)
def test_anothers_signature_survives_the_client(written, brought_back, framing):
    blocks = [Reasoning("Let me see", proof=SIGNATURE), Text("Hi")]
    items, loss = written(framing, said(*blocks))
    assert loss == []
    assert [item["type"] for item in items] == ["reasoning", "message"]
    assert "c2lnbmVk" not in json.dumps(items)
    assert shown(brought_back(items)) == shown(blocks)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_thought_comes_back_with_its_own_text_and_proof(written, brought_back, framing):
    second = msgspec.structs.replace(SIGNATURE, payload=Raw(b'"second"'))
    blocks = [Reasoning("One.", proof=SIGNATURE), Reasoning(proof=REDACTED), Reasoning("Two.", proof=second)]
    items, loss = written(framing, said(*blocks))
    assert loss == []
    assert shown(brought_back(items)) == shown(blocks)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_state_of_calls_and_texts_stands_in_an_item_behind_them(written, brought_back, framing):
    blocks = [
        Text("Looking", proof=TEXT),
        ToolCall("call_a", "f", "{}", proof=CALL),
        ToolCall("call_b", "g", "{}"),
    ]
    items, loss = written(framing, said(*blocks))
    assert loss == []
    assert [item["type"] for item in items] == ["message", "reasoning", "function_call", "reasoning", "function_call"]
    assert all(item["summary"] == [] for item in items if item["type"] == "reasoning")
    assert shown(brought_back(items)) == shown(blocks)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_state_of_a_call_stands_behind_it_though_the_next_has_begun(written, brought_back, framing):
    a, b = ToolCall("call_a", "f", proof=CALL), ToolCall("call_b", "g")
    events = [
        Started("resp_1"),
        BlockStart(0, 0, a),
        BlockStart(0, 1, b),
        BlockDelta(0, 0, "{}"),
        BlockDelta(0, 1, "[]"),
    ]
    items, loss = written(framing, [*events, BlockStop(0, 0), BlockStop(0, 1), Finished(0, "tool_calls", at=8)])
    assert (loss, [item.get("call_id") for item in items]) == ([], ["call_a", None, "call_b"])
    back = brought_back(items)
    assert [(call.arguments, call.proof is not None) for call in back] == [("{}", True), ("[]", False)]


def test_state_that_comes_when_the_next_item_has_begun_is_lost_and_named(written):
    a, b = ToolCall("call_a", "f"), ToolCall("call_b", "g")
    events = [Started("resp_1"), BlockStart(0, 0, a), BlockStart(0, 1, b), BlockDelta(0, 0, proof=CALL)]
    items, loss = written("json", [*events, BlockStop(0, 0), BlockStop(0, 1), Finished(0, "tool_calls", at=8)])
    assert (loss, len(items)) == (["output.proof"], 2)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_block_that_is_state_comes_back_as_a_proof(written, brought_back, framing):
    items, loss = written(framing, said(REDACTED, Text("Hi")))
    assert loss == []
    assert shown(brought_back(items)) == shown([Reasoning(proof=REDACTED), Text("Hi")])


def test_a_proof_whose_call_is_gone_is_gone_too(written, brought_back):
    items, _ = written("json", said(Text("Hi"), ToolCall("call_a", "f", "{}", proof=CALL)))
    assert shown(brought_back([item for item in items if item["type"] != "function_call"])) == shown([Text("Hi")])


ITEM = {
    "id": "rs_up",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "One"}, {"type": "summary_text", "text": "Two"}],
    "encrypted_content": "gAAAA",
    "format": "openai-responses-v1",
}


def thought(client, domain):
    """A reply's events with that reasoning, of an upstream."""
    reply = {"id": "resp_up", "status": "completed", "output": [ITEM | {"status": None, "content": None}]}
    return list(replay.decoded(client.decoder(place(domain), False), [json.dumps(reply).encode()]))


def place(domain):
    return Target(replay.Nowhere(), "place", "m", state_domain=domain)


def sent(client, blocks, domain, dialect=""):
    encoded = client.encode(Call("m", [Message("assistant", blocks)], dialect=dialect), place(domain))
    return json.loads(encoded.body)["input"], encoded.loss


@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_upstreams_reasoning_goes_through_a_client_back_to_it_alone(client, written, brought_back, framing):
    items, _ = written(framing, thought(client, "here"))
    assert items[0]["encrypted_content"].startswith("gwState1")
    assert [part["text"] for part in items[0]["summary"]] == ["One", "Two"]
    back = brought_back(items)
    assert sent(client, back, "here", "open-responses") == ([ITEM], ())
    assert sent(client, back, "elsewhere", "open-responses") == ([], ("messages[0].reasoning",))


def test_an_upstreams_reasoning_goes_back_whole_however_other_dialects_cut_it(client):
    proof = next(event.proof for event in thought(client, "here") if isinstance(event, BlockDelta) and event.proof)
    for blocks in ([Reasoning("OneTwo", proof=proof)], [Reasoning("One"), Reasoning("Two", proof=proof)]):
        assert sent(client, blocks, "here") == ([ITEM], ())


def test_a_compaction_says_whose_it_is_and_goes_back_whole(client, written, brought_back):
    item = {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAA"}
    reply = json.dumps({"id": "resp_up", "status": "completed", "output": [item]}).encode()
    events = list(replay.decoded(client.decoder(place("here"), False), [reply]))
    items, loss = written("json", events)
    assert (items[0]["type"], items[0]["id"], loss) == ("compaction", "cmp_1", [])
    assert items[0]["encrypted_content"].startswith("gwState1")
    back = brought_back(items)
    assert sent(client, back, "here", "open-responses") == ([item], ())
    assert sent(client, back, "elsewhere", "open-responses") == ([], ("messages[0].content[0]",))


def test_a_hosted_item_that_another_dialect_carried_goes_back_as_it_was(client):
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
    state = Opaque("open-responses", "item", Raw(json.dumps(item).encode()), "here")
    assert sent(client, [Reasoning(proof=state)], "here") == ([item], ())
    assert sent(client, [Reasoning(proof=state)], "elsewhere") == ([], ("messages[0].reasoning",))


def test_proofs_of_texts_and_calls_have_no_place_upstream(client):
    _, loss = sent(client, [Text("a", proof=TEXT), ToolCall("c", "f", "{}", proof=CALL)], "here")
    assert loss == ("messages[0].content[0].proof", "messages[0].content[1].proof")
