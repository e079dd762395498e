"""Members that nobody knows: kept within the dialect, named as loss outside of it, never dropped in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_openai_chat.client import ChatClient
from gateway_dialect_openai_chat.server import ChatServer
from msgspec import Raw

from gateway import BlockStart, Decoder, Event, Started, Text, ToolCall
from gateway.testing import replay
from gateway.wire import jsontext

SERVER, CLIENT = ChatServer(), ChatClient()
TARGET = replay.target("m")
SIGNED = {"google": {"thought_signature": "c2ln"}}
EXTRA = {"vendor": {"x": 1}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://x/y.png", "format": "png"}}
FILE = {"type": "file", "file": {"file_id": "f", "pages": [1]}, "cache_control": {"type": "ephemeral"}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav", "rate": 8000}, "mark": 1}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": {}, "loose": True}, "mode": "fast"}
CUSTOM = {"id": "c", "type": "custom", "custom": {"name": "g", "input": "x", "how": 1}}
FUNCTION = {"name": "f", "parameters": {}, "examples": [1]}


def asked(*messages: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"model": "m", "messages": list(messages), **members}


def user(part: dict[str, Any]) -> dict[str, Any]:
    return asked({"role": "user", "content": [part]})


def assistant(**members: Any) -> dict[str, Any]:
    return asked({"role": "assistant", **members})


REQUESTS = [
    (assistant(tool_calls=[CALL | {"extra_content": EXTRA}]), "messages[0].content[0].extra_content"),
    (assistant(tool_calls=[CALL | {"cache_control": {"type": "ephemeral"}}]), "messages[0].content[0].cache_control"),
    (assistant(tool_calls=[CUSTOM]), "messages[0].content[0].custom"),
    (assistant(audio={"id": "a", "transcript": "Hi"}), "messages[0].content[0].transcript"),
    (assistant(content=[{"type": "thinking", "thinking": [], "closed": True}]), "messages[0].content[0]"),
    (assistant(content="a", prefix=True), "messages[0].prefix"),
    (user(IMAGE), "messages[0].content[0].image_url"),
    (user(FILE), "messages[0].content[0].file"),
    (user(AUDIO), "messages[0].content[0].input_audio"),
    (asked({"role": "user", "content": "Hi"}, response_format=SCHEMA), "response_format"),
    (asked({"role": "user", "content": "Hi"}, tools=[{"type": "function", "function": FUNCTION}]), "tools[0].function"),
    (asked({"role": "tool", "tool_call_id": "c", "content": "1", "name": "f", "kind": 1}), "messages[0].kind"),
]


@pytest.mark.parametrize(("body", "path"), REQUESTS, ids=[path for _, path in REQUESTS])
def test_what_a_client_sends_is_kept_in_its_dialect_and_named_as_loss_to_another(
    body: dict[str, Any], path: str
) -> None:
    call = SERVER.decode(replay.inbound(SERVER, json.dumps(body).encode()))
    kept = CLIENT.encode(call, TARGET)
    assert (json.loads(kept.body), kept.loss) == (body, ())
    call.dialect = "another"
    assert path in CLIENT.encode(call, TARGET).loss


def test_what_sdks_leave_in_a_replayed_answer_is_no_loss() -> None:
    call = CALL | {"index": 0, "function": CALL["function"] | {"parsed_arguments": None}}
    left = {"content": "", "refusal": None, "audio": None, "annotations": [], "function_call": None}
    read = SERVER.decode(replay.inbound(SERVER, json.dumps(assistant(**left, tool_calls=[call])).encode()))
    read.dialect = "another"
    assert CLIENT.encode(read, TARGET).loss == ()


def chunks(*deltas: dict[str, Any], **last: Any) -> bytes:
    ended: list[dict[str, Any]] = [{"index": 0, "delta": delta} for delta in deltas]
    bodies = [{"id": "c1", "choices": [choice]} for choice in ended]
    bodies.append({"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], **last})
    return b"".join(b"data: %b\n\n" % json.dumps(body).encode() for body in bodies)


def read(body: bytes, stream: bool = True) -> tuple[list[Event], Decoder]:
    decoder = CLIENT.decoder(TARGET, stream)
    return list(replay.decoded(decoder, replay.pieces(body, 7))), decoder


def whole(message: dict[str, Any], **members: Any) -> bytes:
    return json.dumps({"id": "c1", "choices": [{"index": 0, "message": message, **members}]}).encode()


PART = CALL | {"index": 0, "extra_content": EXTRA, "function": CALL["function"] | {"strict": True}}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("framing", ["sse", "json"])
def test_members_of_a_call_are_written_again_in_a_reply_of_the_same_dialect(stream: bool, framing: Any) -> None:
    message = {"role": "assistant", "tool_calls": [PART]}
    found, decoder = read(chunks(message) if stream else whole(message), stream)
    assert decoder.loss == []
    body = replay.inbound(SERVER, json.dumps(asked({"role": "user", "content": "Hi"})).encode())
    encoder = SERVER.encoder(SERVER.decode(body), body, framing)
    written = replay.encoded_reply(encoder, found)
    assert encoder.loss == []
    assert json.dumps(EXTRA, separators=(",", ":")).encode() in written.replace(b": ", b":")
    assert b'"strict":true' in written.replace(b": ", b":")


@pytest.mark.parametrize("framing", ["sse", "json"])
def test_members_of_another_dialects_reply_are_named(framing: Any) -> None:

    body = replay.inbound(SERVER, json.dumps(asked({"role": "user", "content": "Hi"})).encode())
    encoder = SERVER.encoder(SERVER.decode(body), body, framing)
    one = Raw(b"1")
    for event in (
        Started("r", "m", 1, "another", {"tier": one}),
        BlockStart(0, 0, Text(extra={"phase": one})),
        BlockStart(0, 1, ToolCall("c", "f", extra={"space": one})),
    ):
        encoder.encode(event)
    encoder.finish()
    assert set(encoder.loss) == {"tier", "Text.phase", "ToolCall.space"}


def test_a_signature_that_comes_before_the_name_is_the_calls_and_members_that_come_late_are_lost() -> None:
    early = {"index": 0, "id": "c", "extra_content": SIGNED}
    named = {"index": 0, "function": {"name": "f", "arguments": "{}"}}
    found, decoder = read(chunks({"tool_calls": [early]}, {"tool_calls": [named]}))
    call = next(event.block for event in found if isinstance(event, BlockStart))
    assert isinstance(call, ToolCall)
    assert call.proof is not None
    assert json.loads(bytes(call.proof.payload)) == SIGNED
    assert decoder.loss == []
    late = {"index": 0, "extra_content": EXTRA}
    assert read(chunks({"tool_calls": [named]}, {"tool_calls": [late]}))[1].loss == [
        "choices[0].tool_calls.extra_content"
    ]


@pytest.mark.parametrize(
    ("delta", "path"),
    [
        ({"content": "a", "extra_content": EXTRA}, "extra_content"),
    ],
)
def test_what_of_a_reply_has_no_place_in_events_is_lost_and_named(delta: dict[str, Any], path: str) -> None:
    assert read(chunks({"content": "x"}, delta))[1].loss == [f"choices[0].delta.{path}"]
    assert read(whole(delta), stream=False)[1].loss == [f"choices[0].message.{path}"]


def test_members_that_nobody_knows_are_named() -> None:
    assert read(chunks({"content": "a", "token_id": 7}))[1].loss == ["choices[0].delta.token_id"]
    assert read(chunks({"content": "a"}, timings={"ms": 1}))[1].loss == ["timings"]
    assert read(whole({"content": "a", "mood": "glad", "tool_calls": [], "none": None}), False)[1].loss == [
        "choices[0].message.mood"
    ]


@pytest.mark.parametrize("logprobs", [{"tokens": ["a"], "token_logprobs": [-1]}, [-1.0], -1.0, {"content": [-1]}])
def test_logprobs_in_another_form_are_lost_and_spoil_nothing(logprobs: Any) -> None:
    found, decoder = read(whole({"content": "a"}, logprobs=logprobs), stream=False)
    assert decoder.loss == ["choices[0].logprobs"]
    assert any(isinstance(event, BlockStart) for event in found)


def test_logprobs_of_half_a_character_come_without_a_text() -> None:
    tokens = {"content": [{"token": "\\xf0\\x9f", "logprob": -1.0, "bytes": [240, 159]}], "refusal": None}
    body = {"id": "c1", "choices": [{"index": 0, "delta": {"content": ""}, "logprobs": tokens}]}
    found, decoder = read(b"data: %b\n\n" % json.dumps(body).encode() + chunks())
    assert decoder.loss == []
    assert any(getattr(event, "logprobs", None) for event in found)


def test_a_chunk_of_many_choices_and_calls_is_parsed_once_more_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []
    members = jsontext.members
    monkeypatch.setattr(jsontext, "members", lambda data: (parsed.append(len(bytes(data))), members(data))[1])
    calls = [{"index": n, "id": f"c{n}", "function": {"name": "f", "arguments": "{}"}} for n in range(50)]
    choices = [{"index": n, "delta": {"tool_calls": calls, "x": n}, "finish_reason": "stop"} for n in range(20)]
    body = json.dumps({"id": "c", "choices": choices}).encode()
    found = list(replay.decoded(CLIENT.decoder(TARGET, True), [b"data: " + body + b"\n\n"]))
    assert sum(isinstance(event, BlockStart) for event in found) == 20 * 50
    assert sum(size == len(body) for size in parsed) == 1
    assert sum(parsed) < 6 * len(body)
