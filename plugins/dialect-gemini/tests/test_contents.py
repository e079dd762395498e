"""A client's contents to messages: ids, results, pieces of streams, and what was packed for it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from gateway_dialect_gemini.client import GeminiClient
from gateway_dialect_gemini.proofs import SKIP
from gateway_dialect_gemini.server import GeminiServer
from msgspec import Raw

from gateway import Block, Image, Message, Opaque, Reasoning, Text, ToolCall, ToolResult, carrier
from gateway.testing import replay

SERVER = GeminiServer()
OWN = Opaque("gemini", "call", Raw(b'"c2ln"'), "somewhere")
FOREIGN = Opaque("anthropic-messages", "thinking", Raw(b'"x"'), "claude")


def read(*contents: dict[str, Any]) -> list[Message]:
    body = msgspec.json.encode({"contents": contents})
    return SERVER.decode(replay.inbound(SERVER, body, "/v1/models/m:generateContent")).messages


def model(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "model", "parts": parts}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": parts}


def call(name: str, identity: str | None = None, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": {}} | ({"id": identity} if identity else {}), **more}


def result(name: str, identity: str | None = None, said: str = "") -> dict[str, Any]:
    inner = {"name": name, "response": {"result": said}} | ({"id": identity} if identity else {})
    return {"functionResponse": inner}


def calls(messages: list[Message]) -> list[str]:
    return [block.id for message in messages for block in message.blocks if isinstance(block, ToolCall)]


def results(messages: list[Message]) -> list[tuple[str, str]]:
    found = [block for message in messages for block in message.blocks if isinstance(block, ToolResult)]
    return [(one.call_id, "".join(text.text for text in one.blocks if isinstance(text, Text))) for one in found]


def blocks(*parts: dict[str, Any]) -> list[Block]:
    return read(model(*parts))[0].blocks


def test_calls_of_one_name_without_ids_are_told_apart_and_answered_in_order() -> None:
    messages = read(model(call("f"), call("g"), call("f")), user(result("f", said="1"), result("f", said="2")))
    assert calls(messages) == ["gmcall_0_0", "gmcall_0_1", "gmcall_0_2"]
    assert results(messages) == [("gmcall_0_0", "1"), ("gmcall_0_2", "2")]


def test_ids_that_the_client_gives_are_kept_and_found_in_any_order() -> None:
    messages = read(model(call("f", "a"), call("f", "b")), user(result("f", "b", "2"), result("f", "a", "1")))
    assert calls(messages) == ["a", "b"]
    assert results(messages) == [("b", "2"), ("a", "1")]


def test_a_result_without_the_id_of_its_call_finds_it_by_name() -> None:
    messages = read(model(call("f", "a"), call("g", "b")), user(result("g", said="2"), result("f", said="1")))
    assert results(messages) == [("b", "2"), ("a", "1")]


def test_a_result_with_an_id_finds_the_call_that_lost_its_own() -> None:
    messages = read(model(call("f")), user(result("f", "a", "1")))
    assert results(messages) == [("gmcall_0_0", "1")]


def test_one_id_for_two_calls_becomes_two() -> None:
    messages = read(model(call("f", "x"), call("f", "x")), user(result("f", "x", "1"), result("f", "x", "2")))
    assert calls(messages) == ["x", "gmcall_0_1"]
    assert results(messages) == [("x", "1"), ("gmcall_0_1", "2")]


def test_the_same_conversation_gives_the_same_ids_when_it_has_grown() -> None:
    first = [model(call("f")), user(result("f", said="1"))]
    assert calls(read(*first, user({"text": "more"}), model(call("f"))))[0] == calls(read(*first))[0]


def test_results_and_words_of_one_turn_are_messages_of_their_own() -> None:
    messages = read(model(call("f")), user({"text": "a"}, result("f"), {"text": "b"}))
    assert [message.role for message in messages] == ["assistant", "user", "tool", "user"]


def test_pieces_of_a_stream_are_one_text_and_its_signature_the_proof() -> None:
    found = blocks(
        {"text": "Hm", "thought": True},
        {"text": "m", "thought": True},
        {"text": "He"},
        {"text": "llo"},
        {"text": "", "thoughtSignature": "c2ln"},
        {"text": "More"},
    )
    assert found == [
        Reasoning("Hmm", summary=True),
        Text("Hello", proof=Opaque("gemini", "text", Raw(b'"c2ln"'))),
        Text("More"),
    ]


def test_a_streams_last_empty_part_says_nothing() -> None:
    assert [type(block) for block in blocks(call("f"), {"text": ""})] == [ToolCall]


def test_what_was_packed_is_the_proof_of_what_it_stands_on() -> None:
    found = blocks(
        {"text": "Hmm", "thought": True},
        {"text": "", "thought": True, "thoughtSignature": carrier.pack(FOREIGN)},
        call("f", thoughtSignature=carrier.pack(OWN)),
    )
    assert found[0] == Reasoning("Hmm", proof=FOREIGN)
    assert isinstance(found[1], ToolCall)
    assert found[1].proof == OWN


def test_state_of_its_own_comes_back_as_a_block() -> None:
    state = Opaque("open-responses", "web_search_call", Raw(b"{}"), "r")
    assert blocks({"text": "a"}, {"text": "", "thoughtSignature": carrier.pack(state)}) == [Text("a"), state]


def test_a_carrier_behind_a_text_or_a_call_is_its_proof() -> None:
    of_text = Opaque("open-responses", "text", Raw(b"1"), "r")
    found = blocks({"text": "a"}, {"text": "", "thoughtSignature": carrier.pack(of_text)})
    assert found == [Text("a", proof=of_text)]
    found = blocks(call("f"), {"text": "", "thoughtSignature": carrier.pack(OWN)})
    assert len(found) == 1
    assert isinstance(found[0], ToolCall)
    assert found[0].proof == OWN


def test_the_signature_that_stands_for_none_is_none() -> None:
    found = blocks(call("f", thoughtSignature=SKIP))[0]
    assert isinstance(found, ToolCall)
    assert found.proof is None


def test_parts_that_only_gemini_has_are_kept_whole() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "c2ln"}
    found = blocks(code)[0]
    assert isinstance(found, Opaque)
    assert msgspec.json.decode(found.payload) == code


def test_what_goes_with_a_picture_is_kept() -> None:
    part = {"inline_data": {"mime_type": "image/png", "data": "_-8="}, "media_resolution": {"level": "LOW"}}
    found = read(user(part))[0].blocks[0]
    assert found == Image(data="/+8=", media_type="image/png", extra={"mediaResolution": Raw(b'{"level":"LOW"}')})


def test_names_of_media_are_kept_or_lost_by_name() -> None:
    body = {
        "contents": [
            user(
                {"inlineData": {"mimeType": "image/png", "data": "iVBO", "displayName": "a"}},
                {"inlineData": {"mimeType": "audio/wav", "data": "UklG", "displayName": "b"}},
                {"fileData": {"mimeType": "image/png", "fileUri": "https://x.test/c", "displayName": "c"}},
                {"fileData": {"mimeType": "application/pdf", "fileUri": "https://x.test/d", "displayName": "d"}},
            )
        ]
    }
    sent = json.dumps(body).encode()
    call = SERVER.decode(replay.inbound(SERVER, sent))
    encoded = GeminiClient().encode(call, replay.target("gemini-3-pro"))
    assert (json.loads(encoded.body), encoded.loss) == (json.loads(sent), ())
    call.dialect = "x"
    assert GeminiClient().encode(call, replay.target("gemini-3-pro")).loss == (
        "messages[0].content[0].inlineData.displayName",
        "messages[0].content[1].inlineData.displayName",
        "messages[0].content[2].fileData.displayName",
        "messages[0].content[3].filename",
    )


def test_answers_of_tools_are_their_text() -> None:
    def answered(response: Any) -> tuple[str, bool]:
        message = read(user({"functionResponse": {"name": "f", "response": response}}))[0]
        block = message.blocks[0]
        assert isinstance(block, ToolResult)
        return "".join(text.text for text in block.blocks if isinstance(text, Text)), block.is_error

    assert answered({"result": "a"}) == ("a", False)
    assert answered({"output": "a"}) == ("a", False)
    assert answered({"error": "a"}) == ("a", True)
    assert answered({"result": 1}) == ('{"result":1}', False)
    assert answered({"a": 1}) == ('{"a":1}', False)
    assert answered({}) == ("{}", False)
