"""Encoders: events to a client's reply, streamed and whole."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from gateway_dialect_openai_chat.server import ChatServer
from msgspec import Raw

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Citation,
    Encoder,
    Event,
    Failed,
    Finished,
    Framing,
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Started,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    UpstreamBroken,
    Usage,
    sse,
)
from gateway.testing import replay

STARTED = Started("chatcmpl-1", "up", 7)
FRAMINGS: list[Framing] = ["sse", "json"]


def encoder(framing: Framing, usage: bool = False, body: bytes = b"{}") -> Encoder:
    call = Call("asked", tools=[Tool("f")], stream_usage=usage)
    return ChatServer().encoder(call, replay.inbound(ChatServer(), body), framing)


def streamed(*events: Event, **options: Any) -> list[dict[str, Any]]:
    """The chunks; [DONE] is checked and left out."""
    written = replay.encoded_reply(encoder("sse", **options), [STARTED, *events])
    data = [sse.data(event) for event in sse.events(written)]
    assert data.pop() == b"[DONE]"
    return [json.loads(one) for one in data]


def whole(*events: Event, **options: Any) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(replay.encoded_reply(encoder("json", **options), [STARTED, *events]))
    return written


def deltas(*events: Event, **options: Any) -> list[dict[str, Any]]:
    """What the chunks after the first add, without the last."""
    return [chunk["choices"][0]["delta"] for chunk in streamed(*events, Finished(), **options)[1:-1]]


def block(kind: Any, *texts: str, index: int = 0, choice: int = 0) -> list[Event]:
    pieces = [BlockDelta(choice, index, text) for text in texts]
    return [BlockStart(choice, index, kind), *pieces, BlockStop(choice, index)]


def test_each_chunk_is_on_one_line() -> None:
    """Members that an upstream wrote over several lines too."""
    more = {"x": Raw(b'{\n"a":\r 1}')}
    events = [
        Started("chatcmpl-1", "up", 7, "openai-chat", more),
        *block(ToolCall("a", "f", extra=more), "{}"),
        BlockStart(0, 1, Text()),
        BlockDelta(0, 1, "b", logprobs=Raw(b"[\n]")),
        BlockDelta(0, 1, citation=Citation("u", raw=Raw(b'{\n"type": "x"}'))),
        Finished(extra=more),
    ]
    written = replay.encoded_reply(encoder("sse"), events)
    chunks = written.removesuffix(b"data: [DONE]\n\n").split(b"\n\n")[:-1]
    assert [json.loads(chunk.removeprefix(b"data: "))["x"] for chunk in chunks] == [{"a": 1}] * len(chunks)
    assert len(chunks) == 6
    assert b"\r" not in written


def test_a_stream_begins_with_the_role_and_ends_with_the_reason() -> None:
    chunks = streamed(*block(Text(), "a"), Finished())
    shared = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "asked"}
    ends: list[tuple[dict[str, Any], str | None]] = [
        ({"role": "assistant", "content": "", "refusal": None}, None),
        ({"content": "a"}, None),
        ({}, "stop"),
    ]
    assert chunks == [
        {**shared, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]}
        for delta, reason in ends
    ]


def test_a_whole_reply_has_every_member() -> None:
    assert whole(*block(Text(), "a", "b"), Usage(input=3, output=2), Finished()) == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 7,
        "model": "asked",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "ab", "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 2,
            "total_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [("chatcmpl-x", "chatcmpl-x"), ("resp_a", "chatcmpl-a"), ("gen-1-2", "chatcmpl-gen-1-2"), ("a", "chatcmpl-a")],
)
def test_ids_look_like_openais(given: str, expected: str) -> None:
    for framing in FRAMINGS:
        written = replay.encoded_reply(encoder(framing), [Started(given, None, 1), Finished()])
        assert f'"id":"{expected}"'.encode() in written


def test_usage_is_the_last_chunk_where_it_was_asked_for() -> None:
    chunks = streamed(Usage(input=1), *block(Text(), "a"), Usage(input=3, output=2), Finished(), usage=True)
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert chunks[-1]["choices"] == []
    assert (chunks[-1]["usage"]["prompt_tokens"], chunks[-1]["usage"]["completion_tokens"]) == (3, 2)


def test_usage_is_kept_to_ourselves_where_it_was_not() -> None:
    assert not any("usage" in chunk for chunk in streamed(Usage(input=3, output=2), Finished()))


def test_thoughts_and_refusals_have_their_members() -> None:
    events = [*block(Reasoning("H"), "m"), *block(Refusal(), "No", index=1)]
    assert deltas(*events) == [{"reasoning_content": "H"}, {"reasoning_content": "m"}, {"refusal": "No"}]
    message = whole(*events, Finished())["choices"][0]["message"]
    assert (message["reasoning_content"], message["refusal"], message["content"]) == ("Hm", "No", None)


def test_calls_are_numbered_in_the_order_they_begin_and_keep_their_number() -> None:
    events: list[Event] = [
        *block(Text(), "a"),
        BlockStart(0, 5, ToolCall("x", "f")),
        BlockStart(0, 9, ToolCall("y", "g", kind="custom")),
        BlockDelta(0, 9, "free"),
        BlockDelta(0, 5, "{}"),
        BlockStop(0, 5),
        BlockStop(0, 9),
    ]
    parts = [part for delta in deltas(*events) for part in delta.get("tool_calls", ())]
    assert parts == [
        {"index": 0, "id": "x", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 1, "id": "y", "type": "custom", "custom": {"name": "g", "input": ""}},
        {"index": 1, "custom": {"input": "free"}},
        {"index": 0, "function": {"arguments": "{}"}},
    ]
    assert whole(*events, Finished())["choices"][0]["message"]["tool_calls"] == [
        {"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "y", "type": "custom", "custom": {"name": "g", "input": "free"}},
    ]


def test_a_client_that_declared_functions_gets_a_function_call() -> None:
    events = [*block(ToolCall("x", "f"), "{}"), Finished(reason="tool_calls")]
    body = b'{"functions":[{"name":"f"}]}'
    chunks = streamed(*events, body=body)
    assert [chunk["choices"][0]["delta"] for chunk in chunks[1:]] == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
        {},
    ]
    assert chunks[-1]["choices"][0]["finish_reason"] == "function_call"
    choice = whole(*events, body=body)["choices"][0]
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert choice["finish_reason"] == "function_call"


def test_choices_are_apart() -> None:
    events = [*block(Text(), "a"), *block(Text(), "b", choice=1), Finished(0), Finished(1, "length")]
    chunks = streamed(*events)
    assert [(one["choices"][0]["index"], one["choices"][0]["delta"].get("content")) for one in chunks] == [
        (0, ""), (0, "a"), (1, ""), (1, "b"), (0, None), (1, None),
    ]  # fmt: skip
    choices = whole(*events)["choices"]
    assert [choice["message"]["content"] for choice in choices] == ["a", "b"]
    assert [choice["finish_reason"] for choice in choices] == ["stop", "length"]


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("stop", "stop"), ("stop_sequence", "stop"), ("length", "length"), ("context_length", "length"),
        ("tool_calls", "tool_calls"), ("content_filter", "content_filter"), ("refusal", "content_filter"),
        ("pause", "length"), ("cancelled", "length"),
    ],
)  # fmt: skip
def test_how_a_choice_ended(reason: Any, word: str) -> None:
    assert streamed(Finished(reason=reason))[-1]["choices"][0]["finish_reason"] == word
    assert whole(Finished(reason=reason))["choices"][0]["finish_reason"] == word


def test_a_refusal_in_words_ends_with_stop() -> None:
    events = [*block(Refusal(), "No"), Finished(reason="refusal")]
    assert streamed(*events)[-1]["choices"][0]["finish_reason"] == "stop"
    assert whole(*events)["choices"][0]["finish_reason"] == "stop"


def test_logprobs_stand_beside_their_text() -> None:
    events: list[Event] = [
        BlockStart(0, 0, Text()),
        BlockDelta(0, 0, "a", Raw(b'[{"token":"a"}]')),
        BlockDelta(0, 0, "b", Raw(b'[{"token":"b"}]')),
        BlockStop(0, 0),
    ]
    chunks = streamed(*events, Finished())
    assert chunks[1]["choices"][0]["logprobs"] == {"content": [{"token": "a"}], "refusal": None}
    both = [{"token": "a"}, {"token": "b"}]
    assert whole(*events, Finished())["choices"][0]["logprobs"] == {"content": both, "refusal": None}


def test_citations_are_annotations() -> None:
    events: list[Event] = [
        BlockStart(0, 0, Text("a")),
        BlockDelta(0, 0, citation=Citation("https://x", "X", 0, 1)),
        BlockStop(0, 0),
    ]
    source = {"start_index": 0, "end_index": 1, "url": "https://x", "title": "X"}
    expected = [{"type": "url_citation", "url_citation": source}]
    assert deltas(*events)[-1] == {"annotations": expected}
    assert whole(*events, Finished())["choices"][0]["message"]["annotations"] == expected


def test_own_proofs_are_written_as_they_are_and_anothers_are_packed() -> None:
    own = Opaque("openai-chat", "reasoning_details", Raw(b'[{"data":"x"}]'))
    for proof, native in ((own, True), (Opaque("other", "signature", Raw(b'"x"')), False)):
        for framing in FRAMINGS:
            one = encoder(framing)
            events: list[Event] = [STARTED, BlockStart(0, 0, Reasoning()), BlockDelta(0, 0, proof=proof)]
            written = replay.encoded_reply(one, [*events, BlockStop(0, 0), Finished()])
            assert (b'"reasoning_details":[{"data":"x"}]' in written) is native
            assert (b'"data":"gwState1' in written) is not native
            assert one.loss == []


def test_proofs_of_what_is_not_shown_are_hidden_with_it() -> None:
    proof = Opaque("other", "call", Raw(b'"x"'))
    for framing in FRAMINGS:
        one = encoder(framing)
        hidden = ToolCall("x", "f", executor="upstream")
        events: list[Event] = [STARTED, BlockStart(0, 0, hidden), BlockDelta(0, 0, proof=proof), BlockStop(0, 0)]
        assert b"gwState1" not in replay.encoded_reply(one, [*events, Finished()])
        assert one.loss == []


def test_blocks_without_a_place_are_lost_and_named() -> None:
    for framing in FRAMINGS:
        one = encoder(framing)
        lost = [Image(), ToolCall("x", "f", executor="upstream"), ToolResult("x"), ToolResult("y"), Image(file_id="f")]
        events = [event for at, kind in enumerate(lost) for event in block(kind, "hidden", index=at)]
        written = replay.encoded_reply(one, [STARTED, *events, Finished()])
        assert one.loss == ["Image", "ToolResult"], "a result without its call has no place"
        assert b"hidden" not in written


def test_pictures_stand_beside_the_text() -> None:
    drawn = [Image(data="QQ==", media_type="image/png"), Image(url="https://x")]
    events = [event for at, kind in enumerate(drawn) for event in block(kind, index=at)]
    images = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}},
        {"type": "image_url", "image_url": {"url": "https://x"}},
    ]
    assert whole(*events, Finished())["choices"][0]["message"]["images"] == images
    assert deltas(*events) == [{"images": images[:1]}, {"images": images[1:]}]


def test_members_of_the_same_dialect_ride_along_and_anothers_do_not() -> None:
    extra = {"system_fingerprint": Raw(b'"fp"')}
    for dialect, kept in (("openai-chat", True), ("other", False)):
        started = Started("x", None, 1, dialect, extra)
        for framing in FRAMINGS:
            written = replay.encoded_reply(encoder(framing), [started, Finished(extra={"seed": Raw(b"1.50")})])
            assert (b'"system_fingerprint":"fp"' in written) is kept
            assert (b'"seed":1.50' in written) is kept


def test_half_a_surrogate_pair_can_be_written() -> None:
    events = [*block(Text(), "\ud83d", "\ude00"), Finished()]
    written = replay.encoded_reply(encoder("sse"), [STARTED, *events])
    assert rb"\ud83d" in written
    assert rb"\ude00" in written
    assert whole(*events)["choices"][0]["message"]["content"] == "😀"


def test_a_failure_is_told_in_band_and_never_ends_the_stream_properly() -> None:
    one = encoder("sse")
    one.encode(STARTED)
    last = one.encode(Failed(UpstreamBroken("Lost"))) + one.finish()
    assert json.loads(last.removeprefix(b"data: "))["error"]["type"] == "server_error"
    assert b"[DONE]" not in last


def test_a_failure_of_a_whole_reply_is_the_error_alone() -> None:
    one = encoder("json")
    one.encode(STARTED)
    assert json.loads(one.fail(UpstreamBroken("Lost")))["error"]["message"] == "Lost"
    two = encoder("json")
    two.encode(Failed(UpstreamBroken("Lost")))
    assert json.loads(two.finish())["error"]["message"] == "Lost"


def test_idling_is_a_comment_in_streams_and_nothing_else() -> None:
    assert encoder("sse").idle() == b": keep-alive\n\n"
    assert encoder("json").idle() == b""


def test_content_types() -> None:
    assert [encoder(framing).content_type for framing in FRAMINGS] == ["text/event-stream", "application/json"]


def test_a_reply_of_another_model_name_never_shows_it() -> None:
    for framing in FRAMINGS:
        assert b"up" not in replay.encoded_reply(encoder(framing), [STARTED, *block(Text(), "a"), Finished()])


def test_events_are_not_changed_by_being_written() -> None:
    event = BlockStart(0, 0, Text("a"))
    before = msgspec.json.encode(event)
    for framing in FRAMINGS:
        one = encoder(framing)
        one.encode(STARTED)
        one.encode(event)
        one.encode(BlockDelta(0, 0, "b"))
    assert msgspec.json.encode(event) == before
