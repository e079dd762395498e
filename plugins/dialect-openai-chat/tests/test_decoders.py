"""Decoders: an upstream's reply to events, with the quirks of providers."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from chat_replies import COUNTS, DONE, TARGET, call, calls, chunk, events, frame, whole
from gateway_dialect_openai_chat.client import ChatClient
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Citation,
    Failed,
    Finished,
    Opaque,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolCall,
    UpstreamBroken,
    UpstreamRefused,
    Usage,
)
from gateway.testing import replay
from gateway.testing.conformance.replies import disorder

STARTED = Started("c1", "up", 7, "openai-chat")


def test_a_text_is_one_block() -> None:
    assert events(chunk({"role": "assistant", "content": ""}), chunk({"content": "a"}), chunk({"content": "b"}),
                  chunk(finish="stop"), DONE) == [
        STARTED,
        BlockStart(0, 0, Text()),
        BlockDelta(0, 0, "a"),
        BlockDelta(0, 0, "b"),
        BlockStop(0, 0),
        Finished(),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_are_a_block_before_the_text(name: str) -> None:
    assert events(chunk({name: "Hm", "content": ""}), chunk({"content": "a"}), chunk(finish="stop"))[1:-1] == [
        BlockStart(0, 0, Reasoning()),
        BlockDelta(0, 0, "Hm"),
        BlockStop(0, 0),
        BlockStart(0, 1, Text()),
        BlockDelta(0, 1, "a"),
        BlockStop(0, 1),
    ]


def test_details_alone_are_thoughts_and_their_signature_is_the_proof() -> None:
    found = events(
        chunk({"reasoning_details": [{"type": "reasoning.text", "text": "H", "index": 0}]}),
        chunk({"reasoning_details": [{"type": "reasoning.text", "text": "m", "index": 0}]}),
        chunk({"reasoning_details": [{"type": "reasoning.text", "signature": "S", "index": 0}]}),
        chunk({"content": "a"}, "stop"),
    )
    assert [*found[1:4], found[5]] == [
        BlockStart(0, 0, Reasoning()),
        BlockDelta(0, 0, "H"),
        BlockDelta(0, 0, "m"),
        BlockStop(0, 0),
    ]
    proof = getattr(found[4], "proof", None)
    assert isinstance(proof, Opaque)
    assert (proof.dialect, proof.form, proof.domain) == ("openai-chat", "reasoning_details", "here")
    assert json.loads(bytes(proof.payload)) == [
        {"type": "reasoning.text", "text": "Hm", "signature": "S", "index": 0},
    ]


def test_details_beside_their_text_are_not_told_twice() -> None:
    details = [{"type": "reasoning.text", "text": "Hm"}]
    found = events(chunk({"reasoning": "Hm", "reasoning_details": details}), chunk(finish="stop"))
    assert [event.text for event in found if isinstance(event, BlockDelta)] == ["Hm"]


def test_an_encrypted_thought_after_the_text_is_a_block_of_its_own() -> None:
    found = events(
        chunk({"content": "a"}),
        chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}),
        chunk(finish="stop"),
    )
    assert BlockStart(0, 1, Reasoning()) in found
    assert [event.proof.domain for event in found if isinstance(event, BlockDelta) and event.proof] == ["here"]


def test_mistrals_content_lists_are_thoughts_and_text() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
    found = events(chunk({"content": [thinking]}), chunk({"content": [{"type": "text", "text": "a"}]}, "stop"))
    assert [event.block for event in found if isinstance(event, BlockStart)] == [Reasoning(), Text()]
    assert [event.text for event in found if isinstance(event, BlockDelta)] == ["Hm", "a"]


def test_a_refusal_is_a_block() -> None:
    found = events(chunk({"refusal": "I'm"}), chunk({"refusal": " sorry"}), chunk(finish="stop"))
    assert BlockStart(0, 0, Refusal()) in found


def test_citations_belong_to_the_text() -> None:
    source = {"url": "https://x", "title": "X", "start_index": 1, "end_index": 2}
    found = events(chunk({"content": "a", "annotations": [{"type": "url_citation", "url_citation": source}]}, "stop"))
    assert BlockDelta(0, 0, citation=Citation("https://x", "X", 1, 2)) in found


def test_logprobs_come_with_their_text() -> None:
    choice = {"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [{"token": "a"}], "refusal": None}}
    found = events(frame({"id": "c1", "choices": [choice]}), chunk(finish="stop"))
    assert BlockDelta(0, 0, "a", Raw(b'[{"token":"a"}]')) in found


def test_calls_go_by_their_index_even_when_interleaved() -> None:
    found = events(
        call(0, "a", "f"),
        call(1, "b", "g"),
        call(0, text="{"),
        call(1, text="["),
        call(0, text="}"),
        call(1, text="]"),
        chunk(finish="tool_calls"),
    )
    assert calls(found) == [("a", "f", "{}"), ("b", "g", "[]")]
    assert found[-1] == Finished(reason="tool_calls")


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([call(None, "a", "f", "{}"), call(None, "b", "f", "[]")], [("a", "f", "{}"), ("b", "f", "[]")]),
        ([call(None, "a", "f", "{"), call(text="}")], [("a", "f", "{}")]),
        ([call(0, "a", "f", "{}"), call(0, "b", "g", "[]")], [("a", "f", "{}"), ("b", "g", "[]")]),
        ([call(0, "a", "f", "{"), call(0, "a", "f", "}")], [("a", "f", "{}")]),
        ([call(0, "a", "f"), call(0, None, "", "{}")], [("a", "f", "{}")]),
        ([call(1, "a", "f"), call(1, None, None, "{}")], [("a", "f", "{}")]),
        ([call(0, "a"), call(0, None, None, "{"), call(0, None, "f", "}")], [("a", "f", "{}")]),
        ([call(0, "a", None, "{}")], [("a", "", "{}")]),
        ([call(0, "a", "f", '{"b": {}'), call(0, None, "f", "}")], [("a", "f", '{"b": {}}')]),
    ],
    ids=[
        "no-index",
        "no-index-goes-on",
        "all-zero",
        "id-repeated",
        "empty-name",
        "from-one",
        "late-name",
        "no-name",
        "name-repeated",
    ],
)
def test_calls_of_providers_with_their_own_numbering(pieces: list[bytes], expected: list[tuple[str, str, str]]) -> None:
    assert calls(events(*pieces, chunk(finish="tool_calls"))) == expected


def test_calls_without_ids_get_one_that_is_the_same_every_time() -> None:
    pieces = [call(None, "", "f", "{}"), call(None, "", "f", "[]"), chunk(finish="stop")]
    found = calls(events(*pieces))
    assert found == calls(events(*pieces))
    assert len({identity for identity, _, _ in found}) == 2
    assert all(identity.startswith("call_") and len(identity) <= 64 for identity, _, _ in found)


def test_arguments_that_came_as_an_object_are_their_text() -> None:
    part = {"id": "a", "function": {"name": "f", "arguments": {"x": [1]}}}
    assert calls(events(chunk({"tool_calls": [part]}, "tool_calls"))) == [("a", "f", '{"x":[1]}')]


def test_custom_calls() -> None:
    first = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "g", "input": ""}}
    more = {"index": 0, "custom": {"input": "free"}}
    found = events(chunk({"tool_calls": [first]}), chunk({"tool_calls": [more]}, "tool_calls"))
    assert BlockStart(0, 0, ToolCall("a", "g", kind="custom")) in found
    assert calls(found) == [("a", "g", "free")]


def test_legacy_function_calls() -> None:
    found = events(
        chunk({"function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": "{}"}}, "function_call"),
    )
    assert [(name, text) for _, name, text in calls(found)] == [("f", "{}")]
    assert found[-1] == Finished(reason="tool_calls")


def test_choices_are_apart() -> None:
    found = events(
        chunk({"content": "a"}), chunk({"content": "b"}, index=1), chunk(finish="stop"), chunk(finish="length", index=1)
    )  # fmt: skip
    assert [(event.choice, event.text) for event in found if isinstance(event, BlockDelta)] == [(0, "a"), (1, "b")]
    assert found[-2:] == [Finished(0), Finished(1, "length")]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"finish_reason": "stop"}, Finished()),
        ({"finish_reason": "length"}, Finished(reason="length")),
        ({"finish_reason": "content_filter"}, Finished(reason="content_filter")),
        ({"finish_reason": "eos"}, Finished(detail="eos")),
        ({"finish_reason": "stop", "stop_reason": "###"}, Finished(reason="stop_sequence", detail="###")),
        ({"finish_reason": "stop", "stop_reason": 128009}, Finished()),
        (
            {"finish_reason": "stop", "native_finish_reason": "end_turn"},
            Finished(detail="end_turn", extra={"native_finish_reason": Raw(b'"end_turn"')}),
        ),
        ({"finish_reason": "stop", "seed": 1.50}, Finished(extra={"seed": Raw(b"1.5")})),
    ],
)
def test_how_a_choice_ended(members: dict[str, Any], expected: Finished) -> None:
    assert events(frame({"id": "c1", "choices": [{"index": 0, "delta": {}, **members}]}))[-1] == expected


@pytest.mark.parametrize(
    "last",
    [
        chunk(finish="stop") + frame({"id": "c1", "choices": [], "usage": COUNTS}),
        chunk(finish="stop", usage=COUNTS),
        chunk(finish="stop", x_groq={"usage": COUNTS}),
        chunk(finish="stop", usage={"prompt_tokens": 3.0, "completion_tokens": 2.0}),
    ],
    ids=["alone", "beside-choices", "groq", "floats"],
)  # fmt: skip
def test_usage_comes_before_the_end(last: bytes) -> None:
    assert events(chunk({"content": "a"}), last, DONE)[-3:] == [Usage(input=3, output=2), BlockStop(0, 0), Finished()]


def test_other_members_of_the_reply_ride_along() -> None:
    found = events(chunk({"content": "a"}, system_fingerprint="fp", obfuscation="x"), chunk(finish="stop"))
    assert found[0] == Started("c1", "up", 7, "openai-chat", {"system_fingerprint": Raw(b'"fp"')})


def test_azures_first_chunk_is_not_the_start() -> None:
    first = frame({"id": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": []})
    found = events(first, chunk({"content": "a"}, "stop"))
    assert found[0] == Started("c1", "up", 7, "openai-chat", {"prompt_filter_results": Raw(b"[]")})


def test_the_halves_of_a_surrogate_pair_survive() -> None:
    found = events(chunk({"content": "\ud83d"}), chunk({"content": "\ude00"}), chunk(finish="stop"))
    assert [event.text for event in found if isinstance(event, BlockDelta)] == ["\ud83d", "\ude00"]


@pytest.mark.parametrize(
    "body",
    [
        chunk({"content": "a"}) + chunk(finish="stop"),
        chunk({"content": "a"}) + chunk(finish="stop") + b"data: [DONE]",
        chunk({"content": "a"}) + chunk(finish="stop").rstrip(),
        chunk({"content": "a"}) + chunk(finish="stop") + b'data: {"id":',
        chunk({"content": "a"}) + DONE,
        b": PROCESSING\n\n" + chunk({"content": "a"}) + b": PROCESSING\n\n" + chunk(finish="stop") + DONE,
        (chunk({"content": "a"}) + chunk(finish="stop") + DONE).replace(b"\n", b"\r\n"),
        (chunk({"content": "a"}) + chunk(finish="stop") + DONE).replace(b"data: ", b"data:"),
        b'{"id":"c1","model":"up","created":7,"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}',
    ],
    ids=["no-done", "no-blank-line", "bare", "half-an-event", "no-reason", "comments", "crlf", "no-space", "whole"],
)
def test_replies_that_end_well_in_any_form(body: bytes) -> None:
    assert events(body) == [STARTED, BlockStart(0, 0, Text()), BlockDelta(0, 0, "a"), BlockStop(0, 0), Finished()]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b": PROCESSING\n\n",
        chunk({"content": "a"}),
        chunk({"content": "a"}) + chunk(finish="stop")[:-9],
        chunk({"content": "a"}) + chunk({"content": "b"}, index=1) + chunk(finish="stop"),
        chunk({"content": "a"}) + b"data: nonsense\n\n",
        b"data: []\n\n",
    ],
)
def test_a_reply_that_was_cut_or_broken_fails(body: bytes) -> None:
    last = events(body)[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamBroken)


@pytest.mark.parametrize(
    "error",
    [
        frame({"error": {"message": "Oh no"}}),
        chunk(finish="error", error={"message": "Oh no", "code": "server_error"}),
        b'event: error\ndata: {"error":{"message":"Oh no"}}\n\n',
        b'event: error\ndata: {"message":"Oh no"}\n\n',
    ],
)
def test_an_error_in_band_is_the_last_event(error: bytes) -> None:
    last = events(chunk({"content": "a"}), error, chunk({"content": "b"}), DONE)[-1]
    assert isinstance(last, Failed)
    assert last.error.public == "Oh no"


def test_an_error_with_a_status_is_that_refusal() -> None:
    last = events(frame({"error": {"message": "Slow", "code": 429}}))[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamRefused)
    assert last.error.status == 429


def test_a_whole_reply_is_the_same_events_at_once() -> None:
    message = {
        "role": "assistant",
        "reasoning_content": "Hm",
        "content": "a",
        "tool_calls": [
            {"id": "x", "index": 0, "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "x", "index": 0, "type": "function", "function": {"name": "f", "arguments": "[]"}},
        ],
    }
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    counts = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    found = whole({"id": "c1", "model": "up", "created": 7, "choices": [choice], "usage": counts})
    assert disorder(found) is None
    assert [event.block for event in found if isinstance(event, BlockStart)][:2] == [Reasoning(), Text()]
    assert calls(found) == [("x", "f", "{}"), ("x", "f", "[]")]
    assert found[0] == STARTED
    assert Usage(input=3, output=2) in found
    assert found[-1] == Finished(reason="tool_calls")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"choices":[{"message":', b"null", {"choices": []}, {"error": "No."}]
)
def test_a_whole_reply_that_is_none_fails(body: Any) -> None:
    assert isinstance(whole(body)[-1], Failed)


@given(st.lists(st.integers(0, 900), max_size=9))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    body = b"".join(
        [
            chunk({"reasoning": "Grüße\ud83d"}),
            b": PROCESSING\r\n\r\n",
            chunk({"content": "ü"}).replace(b"\n", b"\r\n"),
            call(0, "a", "f", "{}"),
            chunk(finish="tool_calls"),
            DONE,
        ]
    )
    at = sorted({0, *(cut for cut in cuts if cut < len(body)), len(body)})
    split = [body[start:stop] for start, stop in itertools.pairwise(at)]
    assert list(replay.decoded(ChatClient().decoder(TARGET, True), split)) == events(body)


@pytest.mark.parametrize("time", ["NaN", "Infinity", "1e308", "-5"])
def test_a_time_that_is_none_is_no_defect(time: str) -> None:
    body = b'{"id":"c","created":%b,"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}'
    found = events(b"data: " + body % time.encode() + b"\n\n")
    assert disorder(found) is None
    assert isinstance(found[-1], Finished)
    assert whole(json.loads(body % b"7"))[0] == Started("c", None, 7, "openai-chat")


def test_usage_alone_begins_a_reply() -> None:
    found = events(frame({"usage": {"prompt_tokens": 9, "completion_tokens": 3}}), chunk({"content": "Hi"}, "stop"))
    assert disorder(found) is None
    assert Usage(input=9, output=3) in found


def test_bytes_that_are_not_utf8_do_not_reach_the_client() -> None:
    broken = chunk({"content": "Hi"}, "stop", x_new="?").replace(b'"?"', b'"\xff"')
    for found in (events(broken), events(broken.removeprefix(b"data: "))):
        started = found[0]
        assert isinstance(started, Started)
        assert json.loads(bytes(started.extra["x_new"])) == "\ufffd"
