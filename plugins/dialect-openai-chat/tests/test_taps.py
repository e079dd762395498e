"""Taps: bytes pass through unchanged; what they say is taken down."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from gateway_dialect_openai_chat.client import ChatClient
from gateway_dialect_openai_chat.server import ChatServer
from hypothesis import given
from hypothesis import strategies as st

from gateway import Edit, Encoded, Tap, UpstreamBroken, UpstreamRefused, Usage
from gateway.testing import replay

TARGET = replay.target("served")
TEXT = (
    b'data: {"id":"c1","model":"up","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}],"usage":null}'
)
END = b'data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}'
COUNTS = b'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}'
DONE = b"data: [DONE]"
USAGE = Usage(input=3, output=2)


def stream(*events: bytes, end: bytes = b"\n\n") -> bytes:
    return b"".join(event + end for event in events)


def tap(asked: bool = False, n: int | None = None, streamed: bool = True) -> Tap:
    body = json.dumps({"model": "m", "messages": [{}], "stream": streamed, "n": n}).encode()
    inbound = replay.inbound(ChatServer(), body)
    client = ChatClient()
    encoded = client.edit(inbound, Edit("served", usage=asked), TARGET)
    assert encoded.usage_asked is (asked and streamed)
    return client.tap(TARGET, streamed, encoded, inbound)


def through(body: bytes, size: int = 0, **options: Any) -> tuple[bytes, Tap]:
    one = tap(**options)
    return b"".join([one.feed(piece) for piece in replay.pieces(body, size)]) + one.finish(), one


def test_it_takes_down_usage_id_model_and_end() -> None:
    body = stream(TEXT, END, COUNTS, DONE)
    passed, seen = through(body)
    assert passed == body
    assert (seen.usage, seen.response_id, seen.model, seen.complete) == (USAGE, "c1", "up", True)
    assert seen.failed is None


def test_the_usage_chunk_that_we_asked_for_is_taken_out_and_nothing_else() -> None:
    passed, seen = through(stream(TEXT, END, COUNTS, DONE), asked=True)
    assert passed == stream(TEXT, END, DONE)
    assert seen.usage == USAGE


def test_usage_beside_choices_stays_though_we_asked() -> None:
    beside = COUNTS.replace(b'"choices":[]', b'"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]')
    body = stream(TEXT, beside, DONE)
    passed, seen = through(body, asked=True)
    assert passed == body
    assert (seen.usage, seen.complete) == (USAGE, True)


def test_azures_first_chunk_without_choices_stays_though_we_asked() -> None:
    filters = b'data: {"choices":[],"id":"","model":"","prompt_filter_results":[]}'
    body = stream(filters, TEXT, END, DONE)
    passed, seen = through(body, asked=True)
    assert passed == body
    assert (seen.response_id, seen.model) == ("c1", "up")


def test_groqs_usage_is_read() -> None:
    last = END.replace(b'"usage":null', b'"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":2}}')
    assert through(stream(TEXT, last, DONE))[1].usage == USAGE


@given(
    st.lists(st.integers(0, 600), max_size=8),
    st.sampled_from([b"\n\n", b"\r\n\r\n"]),
    st.booleans(),
    st.integers(0, 4),
)
def test_any_split_gives_the_same_bytes(cuts: list[int], end: bytes, asked: bool, short: int) -> None:
    body = stream(b": OPENROUTER PROCESSING", TEXT, TEXT, b": PROCESSING", END, COUNTS, DONE, end=end)
    body = body[: len(body) - short]
    whole, saw = through(body, asked=asked)
    expected = body.replace(COUNTS + end, b"") if asked else body
    assert whole == expected
    one = tap(asked)
    at = sorted({0, *(cut for cut in cuts if cut < len(body)), len(body)})
    parts = [one.feed(body[start:stop]) for start, stop in itertools.pairwise(at)]
    assert b"".join(parts) + one.finish() == expected
    assert (one.usage, one.complete, one.output_bytes) == (saw.usage, True, saw.output_bytes)


def test_it_gives_whole_events_only() -> None:
    one = tap()
    assert one.feed(TEXT + b"\n") == b""
    assert one.feed(b"\n" + END) == stream(TEXT)


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        (stream(TEXT, END, DONE), True),
        (stream(TEXT, END), True),
        (stream(TEXT, DONE), True),
        (stream(TEXT, END).rstrip(), True),
        (stream(TEXT), False),
        (stream(TEXT) + END[:-20], False),
        (b"", False),
        (stream(b": comment"), False),
        (stream(TEXT.replace(b"Hi", b"[DONE]")), False),
        (stream(TEXT.replace(b"Hi", b'\\"finish_reason\\":\\"stop\\"')), False),
    ],
)
def test_complete_is_what_ended_properly(body: bytes, complete: bool) -> None:
    passed, seen = through(body)
    assert passed == body
    assert seen.complete is complete


def test_without_done_every_choice_must_have_ended() -> None:
    assert through(stream(TEXT, END), n=2)[1].complete is False
    assert through(stream(TEXT, END, END.replace(b'"index":0', b'"index":1')), n=2)[1].complete is True
    assert through(stream(TEXT, END, DONE), n=2)[1].complete is True


@pytest.mark.parametrize(
    "error",
    [
        b'data: {"error":{"message":"Oh no","code":502},"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}',
        b'data: {"error": {"message": "Oh no"}}',
        b'event: error\ndata: {"error":{"message":"Oh no"}}',
        b'event: error\ndata: {"message":"Oh no"}',
        b"event: error\ndata: {\"error\":\"Oh no\"}",
    ],
)  # fmt: skip
def test_an_error_in_band_passes_and_is_seen(error: bytes) -> None:
    body = stream(TEXT, error)
    passed, seen = through(body)
    assert passed == body
    assert seen.failed is not None
    assert seen.failed.public == "Oh no"
    assert seen.complete


def test_an_error_with_a_status_is_that_refusal() -> None:
    _, seen = through(stream(b'data: {"error":{"message":"Slow","code":429}}'))
    assert isinstance(seen.failed, UpstreamRefused)
    assert seen.failed.status == 429


def test_a_finish_reason_error_without_words_is_an_error() -> None:
    assert through(stream(TEXT, END.replace(b"stop", b"error"), DONE))[1].failed is not None


def test_the_word_error_in_a_text_is_none() -> None:
    body = stream(TEXT.replace(b"Hi", b'an \\"error\\" event: error'), END, DONE)
    passed, seen = through(body)
    assert passed == body
    assert seen.failed is None


def test_a_null_error_beside_choices_is_none() -> None:
    assert through(stream(TEXT.replace(b'"usage":null', b'"error":null'), END, DONE))[1].failed is None


def test_a_lost_connection_is_told_in_band_after_whole_events() -> None:
    one = tap()
    sent = one.feed(stream(TEXT) + END[:30])
    last = one.fail(UpstreamBroken("Lost"))
    assert sent == stream(TEXT)
    assert json.loads(last.removeprefix(b"data: "))["error"]["message"] == "Lost"
    assert b"[DONE]" not in last


def test_what_is_told_after_half_an_event_is_an_event_of_its_own() -> None:
    passed, one = through(stream(TEXT) + END[:30])
    assert passed.endswith(END[:30])
    assert one.fail(UpstreamBroken("Lost")).startswith(b"\n\ndata: {")


def test_a_lone_surrogate_beside_usage_is_no_hindrance() -> None:
    last = TEXT.replace(b"Hi", b"\\ud83d").replace(
        b'"usage":null', b'"usage":{"prompt_tokens":3,"completion_tokens":2}'
    )
    body = stream(last, END, DONE)
    passed, seen = through(body)
    assert passed == body
    assert seen.usage == USAGE


def delta(**members: Any) -> bytes:
    return b"data: " + json.dumps({"id": "c1", "choices": [{"index": 0, "delta": members}], "usage": None}).encode()


@pytest.mark.parametrize(
    "members",
    [
        {"content": "twelve bytes"},
        {"role": "assistant", "content": "", "reasoning_content": "twelve bytes"},
        {"content": None, "reasoning": "twelve bytes", "reasoning_details": [{"text": "twelve bytes"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "twelve bytes"}]}]},
        {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "twelve bytes"}}]},
        {"refusal": "twelve bytes"},
    ],
)
def test_output_is_measured_by_what_the_model_said(members: dict[str, Any]) -> None:
    body = stream(delta(role="assistant", content=""), b": PROCESSING", delta(**members), END, DONE)
    assert through(body)[1].output_bytes == 12


def test_a_delta_is_a_token_at_least() -> None:
    body = stream(*(delta(content=letter) for letter in "abc"))
    assert through(body)[1].output_bytes == through(body, 1)[1].output_bytes == 12


def test_text_that_looks_like_a_delta_is_measured_once() -> None:
    text = 'say "delta":{"content":"x"} and } too'
    assert through(stream(delta(content=text)))[1].output_bytes == len(json.dumps(text)) - 2


def test_a_whole_reply_is_measured_by_its_text_and_arguments() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "four", "reasoning": "Hmm", "tool_calls": [call], "annotations": []}
    body = json.dumps({"id": "c1", "choices": [{"message": message}] * 2}).encode()
    one = tap(streamed=False)
    one.feed(body[:20])
    assert one.output_bytes == 20
    one.feed(body[20:])
    one.finish()
    assert one.output_bytes == 2 * len("fourHmm{}")


def test_a_whole_reply_passes_and_is_read_at_its_end() -> None:
    body = b'{"id":"c1","model":"up","choices":[{"message":{}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
    for size in (0, 1, 7):
        passed, seen = through(body, size, streamed=False)
        assert passed == body
        assert (seen.usage, seen.response_id, seen.model, seen.complete) == (USAGE, "c1", "up", True)


@pytest.mark.parametrize("body", [b"", b'{"choices":[{"mess', b"<html>", b"[]", b'{"choices":[]}', b"null"])
def test_a_whole_reply_that_is_none_is_not_complete(body: bytes) -> None:
    passed, seen = through(body, streamed=False)
    assert (passed, seen.complete) == (body, False)
    assert seen.fail(UpstreamBroken("Lost")) == b""


@pytest.mark.parametrize("text", ["four", "\ud83d", None, [], 5], ids=repr)
def test_a_whole_reply_with_counts_in_another_form_is_read_all_the_same(text: Any) -> None:
    counts = {"prompt_tokens": 3.0, "completion_tokens": "2"}
    body = json.dumps({"id": "c1", "choices": [{"message": {"content": text}}], "usage": counts}).encode()
    passed, seen = through(body, streamed=False)
    assert (passed, seen.complete, seen.usage) == (body, True, USAGE)


@pytest.mark.parametrize("text", ["four", "\ud83d", None, [], 5], ids=repr)
def test_what_a_whole_reply_says_is_measured_where_usage_is_not_told(text: Any) -> None:
    body = json.dumps({"id": "c1", "choices": [{"message": {"content": text}}]}).encode()
    _, seen = through(body, streamed=False)
    assert seen.usage is None
    assert seen.output_bytes == 4 if text == "four" else seen.output_bytes <= 4


def test_an_error_as_a_whole_reply_is_seen() -> None:
    _, seen = through(b'{"error":{"message":"Oh no"}}', streamed=False)
    assert seen.failed is not None
    assert seen.failed.public == "Oh no"


def test_a_translated_call_has_no_chunk_to_hide() -> None:
    encoded = Encoded("/chat/completions", b"{}")
    inbound = replay.inbound(ChatServer(), b"{}")
    one = ChatClient().tap(TARGET, True, encoded, inbound)
    assert one.feed(stream(COUNTS)) == stream(COUNTS)


def test_usage_in_a_choice_is_read() -> None:
    end = END.replace(
        b'"finish_reason":"stop"', b'"finish_reason":"stop","usage":{"prompt_tokens":3,"completion_tokens":2}'
    )
    body = stream(TEXT, end, DONE)
    passed, seen = through(body, asked=True)
    assert passed == body
    assert (seen.usage, seen.complete) == (USAGE, True)


@pytest.mark.parametrize(
    "error",
    [
        b'{"object":"error","message":"no","type":"BadRequestError","param":null,"code":400}',
        b'{"choices":[{"index":0,"delta":{},"finish_reason":"error","error":{"code":400,"message":"no"}}]}',
    ],
    ids=["bare", "of-a-choice"],
)
def test_an_error_is_seen_wherever_it_stands(error: bytes) -> None:
    _, seen = through(stream(TEXT, b"data: " + error, DONE))
    assert isinstance(seen.failed, UpstreamRefused)
    assert (seen.failed.public, seen.failed.status) == ("no", 400)


def test_a_broken_network_is_an_error() -> None:
    _, seen = through(stream(TEXT, END.replace(b'"stop"', b'"network_error"'), DONE))
    assert seen.failed is not None
