"""Replies to events."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from gateway_dialect_bedrock_converse.client import ConverseClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Encoded,
    Event,
    Failed,
    Finished,
    Image,
    Reasoning,
    Started,
    Text,
    ToolCall,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
    Usage,
)
from gateway.testing import replay
from gateway.testing.conformance.replies import disorder

CLIENT = ConverseClient()
TARGET = replay.target("m", state_domain="here")
Framer = Callable[..., bytes]
START = ("messageStart", {"role": "assistant"})
STOP = ("messageStop", {"stopReason": "end_turn"})


def delta(at: int, **what: Any) -> tuple[str, dict[str, Any]]:
    return "contentBlockDelta", {"contentBlockIndex": at, "delta": what}


def stopped(at: int) -> tuple[str, dict[str, Any]]:
    return "contentBlockStop", {"contentBlockIndex": at}


def streamed(frame: Framer, *events: tuple[str, Any]) -> list[Event]:
    return list(replay.decoded(CLIENT.decoder(TARGET, True), [frame(*event) for event in events]))


def whole(content: list[Any], stop: str = "end_turn", **members: Any) -> tuple[list[Event], list[str]]:
    body = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": stop, **members}
    decoder = CLIENT.decoder(TARGET, False)
    events = list(replay.decoded(decoder, [json.dumps(body).encode()]))
    return events, list(decoder.loss)


def proofs(events: list[Event]) -> list[tuple[str, str, str, object]]:
    found = [event.proof for event in events if isinstance(event, BlockDelta) and event.proof is not None]
    return [(proof.dialect, proof.form, proof.domain, msgspec.json.decode(proof.payload)) for proof in found]


def failure(events: list[Event]) -> Any:
    assert isinstance(events[-1], Failed)
    return events[-1].error


def test_text_is_one_block_that_begins_with_what_is_heard_of_it(frame: Framer) -> None:
    events = streamed(frame, START, delta(0, text=""), delta(0, text="Hi "), delta(0, text="there"), stopped(0), STOP)
    assert events == [
        Started(dialect="bedrock-converse"),
        BlockStart(0, 0, Text()),
        BlockDelta(0, 0, "Hi "),
        BlockDelta(0, 0, "there"),
        BlockStop(0, 0),
        Finished(),
    ]


def test_halves_of_a_surrogate_pair_may_come_apart(frame: Framer) -> None:
    halves = [b'{"contentBlockIndex":0,"delta":{"text":"\\u%b"}}' % half for half in (b"d83d", b"de00")]
    events = streamed(frame, START, *(("contentBlockDelta", half) for half in halves), STOP)
    text = "".join(event.text for event in events if isinstance(event, BlockDelta))
    assert text.encode("utf-16", "surrogatepass").decode("utf-16") == "😀"


def test_a_signature_in_pieces_is_one_proof_of_its_thoughts(frame: Framer) -> None:
    pieces = [delta(0, reasoningContent={"signature": piece}) for piece in ("ab", "cd")]
    events = streamed(frame, START, delta(0, reasoningContent={"text": "Hm"}), *pieces, stopped(0), STOP)
    assert proofs(events) == [("bedrock-converse", "thinking", "here", "abcd")]
    assert [type(event.block) for event in events if isinstance(event, BlockStart)] == [Reasoning]


def test_thoughts_that_are_not_shown_keep_their_proof(frame: Framer) -> None:
    redacted = [delta(1, reasoningContent={"redactedContent": piece}) for piece in ("YQ==", "Yg==")]
    events = streamed(
        frame, START, delta(0, reasoningContent={"signature": "s"}), stopped(0), *redacted, stopped(1), STOP
    )
    assert [(form, payload) for _, form, _, payload in proofs(events)] == [("thinking", "s"), ("redacted", "YWI=")]
    told, _ = whole([{"reasoningContent": {"redactedContent": "YQ=="}}])
    assert proofs(told) == [("bedrock-converse", "redacted", "here", "YQ==")]


def test_calls_interleave_and_one_without_arguments_has_an_empty_object(frame: Framer) -> None:
    starts = [
        ("contentBlockStart", {"contentBlockIndex": at, "start": {"toolUse": {"toolUseId": f"t{at}", "name": "f"}}})
        for at in (0, 1, 2)
    ]
    pieces = [
        delta(0, toolUse={"input": '{"a"'}),
        delta(1, toolUse={"input": "{}"}),
        delta(0, toolUse={"input": ":1}"}),
    ]
    events = streamed(frame, START, *starts, *pieces, stopped(0), stopped(1), stopped(2), STOP)
    found = {event.index: event.block for event in events if isinstance(event, BlockStart)}
    texts = {
        at: "".join(event.text for event in events if isinstance(event, BlockDelta) and event.index == at)
        for at in found
    }
    assert found == {at: ToolCall(f"t{at}", "f") for at in (0, 1, 2)}
    assert texts == {0: '{"a":1}', 1: "{}", 2: "{}"}
    assert disorder(events) is None


def test_arguments_of_a_whole_reply_keep_their_spelling() -> None:
    use = b'{"toolUse":{"toolUseId":"t","name":"f","input":{"a": 1.50}}}'
    body = b'{"output":{"message":{"content":[%b]}},"stopReason":"tool_use"}' % use
    events = list(replay.decoded(CLIENT.decoder(TARGET, False), [body]))
    assert [event.text for event in events if isinstance(event, BlockDelta)] == ['{"a": 1.50}']


def test_a_tool_that_bedrock_runs_is_the_upstreams_and_its_result_is_named() -> None:
    use = {"toolUseId": "t", "name": "nova_grounding", "type": "server_tool_use", "input": {}}
    events, loss = whole([{"toolUse": use}, {"toolResult": {"toolUseId": "t", "content": []}}, {"text": "So."}])
    first = next(event.block for event in events if isinstance(event, BlockStart))
    assert isinstance(first, ToolCall)
    assert first.executor == "upstream"
    assert loss == ["output.message.content[1].toolResult"]


def test_citations_are_of_the_text_so_far(frame: Framer) -> None:
    web = {"title": "T", "location": {"web": {"url": "https://a.example", "domain": "a.example"}}}
    events = streamed(frame, START, delta(0, text="Yes"), delta(0, citation=web), stopped(0), STOP)
    told, _ = whole([{"citationsContent": {"content": [{"text": "Yes"}], "citations": [web]}}])
    assert events == told
    citation = next(event.citation for event in events if isinstance(event, BlockDelta) and event.citation)
    assert (citation.url, citation.title, citation.start, citation.end) == ("https://a.example", "T", 0, 3)
    assert citation.raw is not None
    assert msgspec.json.decode(citation.raw) == web


def test_an_image_is_told_whole_at_its_end(frame: Framer) -> None:
    pieces = [delta(0, image={"source": {"bytes": piece}}) for piece in ("YQ==", "Yg==")]
    begun = ("contentBlockStart", {"contentBlockIndex": 0, "start": {"image": {"format": "png"}}})
    events = streamed(frame, START, begun, *pieces, stopped(0), STOP)
    told, _ = whole([{"image": {"format": "png", "source": {"bytes": "YWI="}}}])
    expected = BlockStart(0, 0, Image(data="YWI=", media_type="image/png"))
    assert expected in told
    shown = next(event.block for event in events if isinstance(event, BlockStart))
    assert isinstance(shown, Image)
    assert (shown.media_type, b64decode(shown.data or "")) == ("image/png", b"ab")
    assert disorder(events) is None


@pytest.mark.parametrize(
    ("word", "reason", "detail"),
    [
        ("end_turn", "stop", None),
        ("tool_use", "tool_calls", None),
        ("max_tokens", "length", None),
        ("stop_sequence", "stop_sequence", None),
        ("guardrail_intervened", "content_filter", "guardrail_intervened"),
        ("content_filtered", "content_filter", "content_filtered"),
        ("model_context_window_exceeded", "context_length", None),
        ("something_new", "stop", "something_new"),
    ],
)
def test_every_stop_reason_has_its_own(frame: Framer, word: str, reason: str, detail: str | None) -> None:
    ends = streamed(frame, START, ("messageStop", {"stopReason": word}))[-1], whole([], word)[0][-1]
    for end in ends:
        assert isinstance(end, Finished)
        assert (end.reason, end.detail) == (reason, detail)


@pytest.mark.parametrize("word", ["malformed_model_output", "malformed_tool_use"])
def test_malformed_output_is_a_failure_that_is_told_after_the_usage(frame: Framer, word: str) -> None:
    usage = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}
    events = streamed(frame, START, ("messageStop", {"stopReason": word}), ("metadata", {"usage": usage}))
    assert failure(events).code == word
    assert Usage(input=1, output=2) in events
    assert failure(whole([], word, usage=usage)[0]).code == word


def test_the_stop_string_met_and_other_fields_of_the_model(frame: Framer) -> None:
    fields = {"stop_sequence": "END", "other": 1}
    end = streamed(
        frame, START, ("messageStop", {"stopReason": "stop_sequence", "additionalModelResponseFields": fields})
    )[-1]
    assert isinstance(end, Finished)
    assert end.detail == "END"
    assert {name: bytes(value) for name, value in end.extra.items()} == {
        "additionalModelResponseFields": b'{"other":1}'
    }


def test_members_that_come_with_the_end_are_kept(frame: Framer) -> None:
    metadata = {"metrics": {"latencyMs": 1}, "trace": {"guardrail": {}}, "serviceTier": {"type": "flex"}}
    events = streamed(frame, START, STOP, ("metadata", metadata))
    assert isinstance(events[-1], Finished)
    assert set(events[-1].extra) == {"trace", "serviceTier"}
    assert whole([], **metadata)[0][-1] == events[-1]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"inputTokens": 5, "outputTokens": 7}, Usage(input=5, output=7)),
        (
            {"inputTokens": 5, "outputTokens": 7, "cacheReadInputTokens": 3, "cacheWriteInputTokens": 4},
            Usage(input=5, output=7, cache_read=3, cache_write_5m=4),
        ),
        (
            {
                "inputTokens": 5,
                "outputTokens": 7,
                "cacheWriteInputTokens": 10,
                "cacheDetails": [{"ttl": "1h", "inputTokens": 6}, {"ttl": "5m", "inputTokens": 4}],
            },
            Usage(input=5, output=7, cache_write_5m=4, cache_write_1h=6),
        ),
        ({}, Usage()),
    ],
)
def test_usage_is_counted_beside_the_cache(usage: dict[str, Any], expected: Usage) -> None:
    assert expected in whole([], usage=usage)[0]


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("throttlingException", UpstreamRefused, 429),
        ("validationException", UpstreamRefused, 400),
        ("internalServerException", UpstreamRefused, 500),
        ("serviceUnavailableException", UpstreamRefused, 503),
        ("ServiceUnavailableException", UpstreamRefused, 503),
        ("modelTimeoutException", UpstreamTimeout, 504),
        ("modelStreamErrorException", UpstreamBroken, 502),
        ("somethingNewException", UpstreamBroken, 502),
    ],
)
@pytest.mark.parametrize("kind_of_message", ["exception", "error"])
def test_an_exception_in_a_frame_is_the_error_that_it_names(
    frame: Framer, name: str, kind: type[Exception], status: int, kind_of_message: str
) -> None:
    events = streamed(frame, START, delta(0, text="Hi"), (name, {"message": "No."}, kind_of_message), STOP)  # type: ignore[arg-type]
    error = failure(events)
    assert (type(error), error.status, error.public, error.code) == (kind, status, "No.", name)


def test_a_refusal_of_our_credentials_within_a_stream_says_nothing_of_them(frame: Framer) -> None:
    error = failure(streamed(frame, ("accessDeniedException", {"message": "secret"}, "exception")))  # type: ignore[arg-type]
    assert error.status == 502
    assert "secret" not in error.public


def test_an_exception_without_words_is_told_all_the_same(frame: Framer) -> None:
    assert failure(streamed(frame, ("x", b"\xff", "exception"))).public  # type: ignore[arg-type]


def test_a_stream_without_its_end_was_cut(frame: Framer) -> None:
    assert isinstance(failure(streamed(frame, START, delta(0, text="Hi"), stopped(0))), UpstreamBroken)
    assert isinstance(failure(streamed(frame)), UpstreamBroken)
    body = frame(*START) + frame(*STOP) + frame("metadata", {})[:-3]
    assert isinstance(failure(list(replay.decoded(CLIENT.decoder(TARGET, True), [body]))), UpstreamBroken)


def test_a_picture_without_bytes_is_named(frame: Framer) -> None:
    start = ("contentBlockStart", {"contentBlockIndex": 0, "start": {"image": {"format": "png"}}})
    decoder = CLIENT.decoder(TARGET, True)
    failed = delta(0, image={"error": {"message": "Filtered"}})
    events = list(replay.decoded(decoder, [frame(*one) for one in (START, start, failed, stopped(0), STOP)]))
    assert [type(event) for event in events] == [Started, Finished]
    assert list(decoder.loss) == ["content[0].image"]
    kept = {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://a/b"}}}}
    assert whole([{"text": "See"}, kept])[1] == ["content[1].image"]


def test_a_source_that_is_a_url_is_one(frame: Framer) -> None:
    found = {"title": "T", "source": "https://a.example", "location": {"searchResultLocation": {"start": 0}}}
    for source, url in (("https://a.example", "https://a.example"), ("handbook", "")):
        events = streamed(frame, START, delta(0, text="Yes"), delta(0, citation=found | {"source": source}), STOP)
        assert [event.citation.url for event in events if isinstance(event, BlockDelta) and event.citation] == [url]


def test_unknown_events_and_members_are_named_and_tolerated(frame: Framer) -> None:
    decoder = CLIENT.decoder(TARGET, True)
    events = [START, ("newEvent", {}), delta(0, hologram={"a": 1}), delta(0), ("contentBlockStart", {}), STOP]
    events[4:4] = [("contentBlockStart", {"start": {"hologram": {}}})]
    told = list(replay.decoded(decoder, [frame(*event) for event in events]))
    assert isinstance(told[-1], Finished)
    assert list(decoder.loss) == [
        "newEvent",
        "contentBlockDelta.delta.hologram",
        "contentBlockStart.start.hologram",
    ]
    assert whole([{"hologram": 1}, {}, {"text": "a"}])[1] == ["output.message.content[0].hologram"]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b"\xff", b'{"output":{}}', b'{"message":"x"}', b"[" * 100_000]
)
def test_what_is_no_reply_is_a_failure(body: bytes) -> None:
    assert isinstance(failure(list(replay.decoded(CLIENT.decoder(TARGET, False), [body]))), UpstreamBroken)
    assert isinstance(failure(list(replay.decoded(CLIENT.decoder(TARGET, True), [body]))), UpstreamBroken)


MEMBERS = ["contentBlockIndex", "delta", "start", "text", "toolUse", "input", "toolUseId", "name", "reasoningContent"]
MEMBERS += ["signature", "redactedContent", "citation", "image", "source", "bytes", "format", "stopReason", "usage"]
MEMBERS += ["inputTokens", "output", "message", "content", "trace"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4),
    max_leaves=12,
)
NAMES = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "x"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(st.tuples(st.sampled_from(NAMES), JSON | st.binary(max_size=9)), max_size=8), body=JSON)
def test_no_payload_is_a_defect_and_order_is_kept(frame: Framer, events: list[tuple[str, Any]], body: Any) -> None:
    assert disorder(streamed(frame, *events)) is None
    data = json.dumps(body).encode()
    assert disorder(list(replay.decoded(CLIENT.decoder(TARGET, False), [data]))) is None


@pytest.mark.parametrize(
    ("media_type", "path", "streams"),
    [
        ("application/vnd.amazon.eventstream", "/model/m/converse-stream", True),
        ("application/octet-stream", "/model/m/converse-stream", True),
        ("application/json", "/model/m/converse-stream", False),
        ("application/json", "/model/m/converse", False),
        ("", "/model/m/converse", False),
    ],
)
def test_what_was_asked_for_says_whether_it_streams_unless_it_is_json(
    media_type: str, path: str, streams: bool
) -> None:
    assert CLIENT.streams(media_type, Encoded(path, b"")) is streams
