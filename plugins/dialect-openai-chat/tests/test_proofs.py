"""Opaque state on its way through chat clients: out in `reasoning_details`, back, and on to its maker alone."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from gateway_dialect_openai_chat.client import ChatClient
from gateway_dialect_openai_chat.server import ChatServer
from msgspec import Raw

from gateway import (
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Event,
    Finished,
    Framing,
    Message,
    Opaque,
    Provider,
    Reasoning,
    Started,
    Target,
    Text,
    ToolCall,
    carrier,
    sse,
)
from gateway.testing import replay

FRAMINGS: list[Framing] = ["sse", "json"]
SIGNATURE = Opaque("anthropic-messages", "thinking", Raw(b'"c2lnbmVk"'), "claude")
OTHER = Opaque("anthropic-messages", "redacted", Raw(b'"ZGF0YQ=="'), "claude")
CALL = Opaque("gemini", "call", Raw(b'"dGhvdWdodA=="'), "google")
TEXT = Opaque("gemini", "text", Raw(b'"dGV4dA=="'), "google")


def said(*blocks: Block) -> list[Event]:
    """A reply in which each proof comes at the end of its block."""
    events: list[Event] = [Started("chatcmpl-1", "up", 7)]
    for at, block in enumerate(blocks):
        proof = None if isinstance(block, Opaque) else getattr(block, "proof", None)
        bare = block if proof is None else msgspec.structs.replace(block, proof=None)  # type: ignore[type-var]
        events.append(BlockStart(0, at, bare))
        events += [BlockDelta(0, at, proof=proof)] if proof is not None else []
        events.append(BlockStop(0, at))
    return [*events, Finished(0, "stop")]


def accumulated(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The message as a client puts it together from a stream."""
    message: dict[str, Any] = {"role": "assistant", "content": "", "reasoning_content": "", "tool_calls": []}
    for chunk in chunks:
        delta = chunk["choices"][0]["delta"]
        for name in ("content", "reasoning_content"):
            message[name] += delta.get(name) or ""
        for call in delta.get("tool_calls", ()):
            if call.pop("index") == len(message["tool_calls"]):
                message["tool_calls"].append(call)
            else:
                message["tool_calls"][-1]["function"]["arguments"] += call["function"]["arguments"]
        message.setdefault("reasoning_details", []).extend(delta.get("reasoning_details", ()))
    return {name: value for name, value in message.items() if value}


def written(framing: Framing, events: list[Event]) -> tuple[dict[str, Any], list[str]]:
    encoder = ChatServer().encoder(Call("asked"), replay.inbound(ChatServer(), b"{}"), framing)
    body = replay.encoded_reply(encoder, events)
    if framing == "json":
        return json.loads(body)["choices"][0]["message"], encoder.loss
    data = [sse.data(event) for event in sse.events(body)][:-1]
    return accumulated([json.loads(one) for one in data]), encoder.loss


def brought_back(message: dict[str, Any]) -> list[Block]:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}, message]}
    request = replay.inbound(ChatServer(), json.dumps(body).encode())
    return ChatServer().decode(request).messages[1].blocks


def shown(blocks: list[Block]) -> list[Any]:
    """Blocks as builtins, since raw JSON compares by identity."""
    return [msgspec.json.decode(msgspec.json.encode(block)) for block in blocks]


@pytest.mark.parametrize("framing", FRAMINGS)
def test_anothers_signature_survives_the_client(framing: Framing) -> None:
    message, loss = written(framing, said(Reasoning("Let me see", proof=SIGNATURE), Text("Hi")))
    assert loss == []
    (detail,) = message["reasoning_details"]
    assert (detail["type"], detail["index"]) == ("reasoning.encrypted", 0)
    assert "c2lnbmVk" not in json.dumps(message)
    assert shown(brought_back(message)) == shown([Reasoning("Let me see", proof=SIGNATURE), Text("Hi")])


@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_thought_comes_back_with_its_own_text_and_proof(framing: Framing) -> None:
    second = msgspec.structs.replace(SIGNATURE, payload=Raw(b'"second"'))
    blocks: list[Block] = [
        Reasoning("One.", proof=SIGNATURE),
        Reasoning(proof=OTHER),
        Reasoning("Twö.", proof=second),
        Reasoning("Unsigned."),
        Text("Hi"),
    ]
    message, loss = written(framing, said(*blocks))
    assert (message["reasoning_content"], loss) == ("One.Twö.Unsigned.", [])
    assert shown(brought_back(message)) == shown(blocks)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_proofs_of_calls_and_texts_come_back_to_them(framing: Framing) -> None:
    blocks: list[Block] = [
        Text("Looking", proof=TEXT),
        ToolCall("call_a", "f", "{}", proof=CALL),
        ToolCall("call_b", "g", "{}"),
    ]
    message, loss = written(framing, said(*blocks))
    assert loss == []
    assert [detail.get("id") for detail in message["reasoning_details"]] == [None, "call_a"]
    assert shown(brought_back(message)) == shown(blocks)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_block_that_is_state_comes_back_as_a_proof(framing: Framing) -> None:
    message, _ = written(framing, said(OTHER, Text("Hi")))
    assert shown(brought_back(message)) == shown([Reasoning(proof=OTHER), Text("Hi")])


def test_a_proof_that_comes_with_the_start_is_carried_likewise() -> None:
    events = [BlockStart(0, 0, ToolCall("call_a", "f", "{}", proof=CALL)), BlockStop(0, 0)]
    for framing in FRAMINGS:
        message, _ = written(framing, [Started("chatcmpl-1"), *events, Finished(0, "tool_calls")])
        assert shown(brought_back(message)) == shown([ToolCall("call_a", "f", "{}", proof=CALL)])


def test_a_thought_that_the_client_trimmed_goes_whole_to_the_first_proof() -> None:
    message, _ = written("json", said(Reasoning("One.", proof=SIGNATURE), Reasoning("Two.", proof=SIGNATURE)))
    message["reasoning_content"] = "One"
    assert [block.text for block in brought_back(message) if isinstance(block, Reasoning)] == ["One", ""]


def test_a_proof_whose_call_is_gone_is_gone_too() -> None:
    message, _ = written("json", said(ToolCall("call_a", "f", "{}", proof=CALL)))
    del message["tool_calls"]
    assert brought_back(message) == []


def test_a_proof_of_a_text_stands_alone_where_the_client_left_no_text() -> None:
    message, _ = written("json", said(Text("", proof=TEXT)))
    message["content"] = None
    assert shown(brought_back(message)) == shown([Text(proof=TEXT)])


def test_a_clients_own_details_and_carriers_stand_side_by_side() -> None:
    own = {"type": "reasoning.text", "text": "x", "signature": "s", "index": 0}
    carried = {"type": "reasoning.encrypted", "data": carrier.pack(SIGNATURE), "id": "thought-1", "index": 1}
    blocks = brought_back({"role": "assistant", "reasoning": "xy", "reasoning_details": [own, carried]})
    assert shown(blocks) == shown(
        [
            Reasoning("x", proof=SIGNATURE),
            Reasoning("y", proof=Opaque("openai-chat", "reasoning_details", Raw(msgspec.json.encode([own])))),
        ]
    )


@pytest.mark.parametrize("details", ["x", {"data": "gwState1"}, [1, None], [{"data": "gwState1AAAA"}], [[]]])
def test_details_of_any_other_shape_are_the_clients_own(details: object) -> None:
    (block,) = brought_back({"role": "assistant", "reasoning_details": details})
    assert isinstance(block, Reasoning)
    assert block.proof is not None
    assert json.loads(bytes(block.proof.payload)) == details


class Openrouter(Provider):
    endpoint = "openrouter"
    dialects = ("openai-chat",)


def target(domain: str) -> Target:
    return Target(Openrouter(), "openrouter", "m", state_domain=domain)


def sent(blocks: list[Block], domain: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    encoded = ChatClient().encode(Call("m", [Message("assistant", blocks)]), target(domain))
    return json.loads(encoded.body)["messages"][0], encoded.loss


DETAILS = [
    {"type": "reasoning.text", "text": "Let me see", "signature": "c2ln", "format": "anthropic-v1", "index": 0, "x": 1},
    {"type": "reasoning.encrypted", "data": "ZW5j", "id": "call_a", "format": "google-v1", "index": 1},
]


@pytest.mark.parametrize("framing", FRAMINGS)
def test_openrouters_details_go_through_a_client_back_to_openrouter_alone(framing: Framing) -> None:
    reply = {
        "id": "gen-1",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"reasoning_details": DETAILS}}],
    }
    events = replay.decoded(ChatClient().decoder(target("openrouter"), False), [json.dumps(reply).encode()])
    message, loss = written(framing, list(events))
    assert loss == []
    assert "c2ln" not in json.dumps(message)
    back, loss = sent(brought_back(message), "openrouter")
    assert (back["reasoning_details"], loss) == (DETAILS, ())
    elsewhere, loss = sent(brought_back(message), "elsewhere")
    assert "reasoning_details" not in elsewhere
    assert loss == ("messages[0].content[0]",)


def chunk(delta: dict[str, Any], end: str | None = None) -> bytes:
    body = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
    return sse.frame(json.dumps(body).encode())


GOOGLE = {"google": {"thought_signature": "c2ln"}}


def test_googles_signatures_are_proofs_of_the_call_and_of_the_text() -> None:
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    stream = chunk({"content": "Hi", "extra_content": GOOGLE}) + chunk(
        {"tool_calls": [call | {"extra_content": GOOGLE}]}
    )
    late = {"index": 0, "extra_content": {"google": {"thought_signature": "bGF0ZQ"}}}
    stream += chunk({"tool_calls": [late]}) + chunk({}, "tool_calls")
    decoder = ChatClient().decoder(target("google"), True)
    events = list(replay.decoded(decoder, [stream + b"data: [DONE]\n\n"]))
    starts = [
        event.block.proof for event in events if isinstance(event, BlockStart) and isinstance(event.block, ToolCall)
    ]
    later = [event.proof for event in events if isinstance(event, BlockDelta) and event.proof]
    found = [(proof.form, proof.domain, json.loads(bytes(proof.payload))) for proof in [*later, *starts] if proof]
    assert decoder.loss == []
    assert found == [
        ("text", "google", GOOGLE),
        ("call", "google", late["extra_content"]),
        ("call", "google", GOOGLE),
    ]


@pytest.mark.parametrize("framing", FRAMINGS)
def test_googles_signatures_go_through_a_client_back_to_google_alone(framing: Framing) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": GOOGLE}
    message = {"role": "assistant", "content": "Hi", "tool_calls": [call], "extra_content": GOOGLE}
    reply = {"id": "c", "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}]}
    events = replay.decoded(ChatClient().decoder(target("google"), False), [json.dumps(reply).encode()])
    client, loss = written(framing, list(events))
    assert loss == []
    assert sent(brought_back(client), "google") == (message, ())
    back, loss = sent(brought_back(client), "elsewhere")
    assert "extra_content" not in json.dumps(back)
    assert loss == ("messages[0].content[1].proof", "messages[0].content[0].proof")


def test_a_clients_own_signature_is_its_word_and_goes_to_its_dialect() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": GOOGLE}
    blocks = brought_back({"role": "assistant", "tool_calls": [call]})
    assert [block.proof.domain for block in blocks if isinstance(block, ToolCall) and block.proof] == [""]
    assert sent(blocks, "anywhere")[0]["tool_calls"] == [call]
