"""Events to a client's reply, in each framing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_gemini.server import GeminiServer
from google.genai import types
from msgspec import Raw

from gateway import (
    BadCall,
    BlockDelta,
    BlockStart,
    BlockStop,
    Citation,
    Event,
    Finished,
    Framing,
    Image,
    Opaque,
    RateLimited,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolCall,
    UpstreamBroken,
    Usage,
    carrier,
    sse,
)
from gateway.call import Block
from gateway.testing import replay

SERVER = GeminiServer()
ASKED = replay.inbound(SERVER, b'{"contents":[{"parts":[{"text":"Hi"}]}]}', "/v1/models/m:streamGenerateContent")
FRAMINGS: tuple[Framing, ...] = ("sse", "array", "json")
each_framing = pytest.mark.parametrize("framing", FRAMINGS)


def block(index: int, made: Block, *texts: str, **more: Any) -> list[Event]:
    deltas: list[Event] = [BlockDelta(0, index, text) for text in texts]
    return [BlockStart(0, index, made), *deltas, *([BlockDelta(0, index, **more)] if more else []), BlockStop(0, index)]


def written(framing: Framing, *events: Event, dialect: str = "x") -> tuple[list[dict[str, Any]], list[str]]:
    encoder = SERVER.encoder(SERVER.decode(ASKED), ASKED, framing)
    body = replay.encoded_reply(encoder, [Started("r", "up", 7, dialect), *events])
    chunks = chunked(body, framing)
    for chunk in chunks:
        types.GenerateContentResponse.model_validate(chunk)
    return chunks, encoder.loss


def chunked(body: bytes, framing: str) -> list[dict[str, Any]]:
    if framing == "sse":
        return [json.loads(sse.data(event)) for event in sse.events(body)]
    found = json.loads(body)
    return found if isinstance(found, list) else [found]


def parts(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the empty text of a stream's last chunk."""
    found = [part for chunk in chunks for one in chunk.get("candidates", ()) for part in one["content"]["parts"]]
    return found[:-1] if found and found[-1] == {"text": ""} else found


@each_framing
def test_the_last_chunk_says_how_it_ended_and_what_was_used(framing: Framing) -> None:
    usage = Usage(input=5, cache_read=4, output=7, reasoning=2, audio_input=3)
    chunks, loss = written(framing, *block(0, Text(), "a", "b"), Finished(reason="length"), usage)
    assert "".join(part["text"] for part in parts(chunks)) == "ab"
    assert chunks[-1]["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert chunks[-1]["usageMetadata"] == {
        "promptTokenCount": 9,
        "candidatesTokenCount": 5,
        "totalTokenCount": 16,
        "cachedContentTokenCount": 4,
        "thoughtsTokenCount": 2,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 6}, {"modality": "AUDIO", "tokenCount": 3}],
    }
    assert {(chunk["responseId"], chunk["modelVersion"]) for chunk in chunks} == {("r", "m")}
    assert not any("finishReason" in chunk["candidates"][0] for chunk in chunks[:-1])
    assert loss == []


@each_framing
def test_calls_go_out_whole_with_the_ids_that_were_given(framing: Framing) -> None:
    events = [*block(0, ToolCall("call_a", "f"), '{"a": ', "1}"), *block(1, ToolCall("gmcall_1", "f"))]
    chunks, loss = written(framing, *events, Finished(reason="tool_calls"))
    assert parts(chunks) == [
        {"functionCall": {"id": "call_a", "name": "f", "args": {"a": 1}}},
        {"functionCall": {"name": "f", "args": {}}},
    ]
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
    assert loss == []


@each_framing
def test_arguments_that_are_no_object_end_as_geminis_own_would(framing: Framing) -> None:
    chunks, loss = written(framing, *block(0, ToolCall("a", "f"), "[1"), Finished(reason="tool_calls"))
    assert parts(chunks) == []
    last = chunks[-1]["candidates"][0]
    assert last["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert "[1" in last["finishMessage"]
    assert loss == ["ToolCall.arguments"]


@each_framing
def test_proofs_of_others_ride_in_signatures_and_its_own_go_as_they_are(framing: Framing) -> None:
    foreign = Opaque("anthropic-messages", "thinking", Raw(b'"x"'), "claude")
    own = Opaque("gemini", "call", Raw(b'"c2ln"'))
    state = Opaque("open-responses", "web", Raw(b"{}"), "r")
    events = [
        *block(0, Reasoning(), "Hm", proof=foreign),
        *block(1, state),
        *block(2, ToolCall("a", "f", proof=own)),
        Finished(reason="tool_calls"),
    ]
    chunks, _ = written(framing, *events)
    found = parts(chunks)
    signed = [part["thoughtSignature"] for part in found if "thoughtSignature" in part]
    assert signed == [carrier.pack(foreign), carrier.pack(state), "c2ln"]
    thoughts = [part for part in found if part.get("thought")]
    assert "".join(part["text"] for part in thoughts) == "Hm"
    assert "thoughtSignature" in thoughts[-1]


@each_framing
def test_sources_are_told_in_bytes(framing: Framing) -> None:
    citation = Citation("https://a/", "A", 2, 4)
    chunks, _ = written(framing, *block(0, Text(), "aü😀b", citation=citation), Finished())
    grounded = chunks[-1]["candidates"][0]["groundingMetadata"]
    assert grounded["groundingChunks"] == [{"web": {"uri": "https://a/", "title": "A"}}]
    assert grounded["groundingSupports"][0]["segment"] == {"startIndex": 3, "endIndex": 8, "text": "😀b"}


@each_framing
def test_log_probabilities_are_told_with_their_average(framing: Framing) -> None:
    tokens = b'[{"token":"a","logprob":-1.0,"bytes":[97],"top_logprobs":[{"token":"b","logprob":-2,"bytes":null}]}]'
    chunks, _ = written(framing, *block(0, Text(), "a", logprobs=Raw(tokens)), Finished())
    last = chunks[-1]["candidates"][0]
    assert last["avgLogprobs"] == -1.0
    assert last["logprobsResult"] == {
        "chosenCandidates": [{"token": "a", "logProbability": -1.0}],
        "topCandidates": [{"candidates": [{"token": "b", "logProbability": -2.0}]}],
    }


@each_framing
def test_pictures_refusals_and_several_choices_have_a_place(framing: Framing) -> None:
    events = [
        *block(0, Image(data="iVBO", media_type="image/png")),
        *block(1, Refusal(), "No."),
        Finished(reason="refusal"),
        BlockStart(1, 0, Text("b")),
        BlockStop(1, 0),
        Finished(1),
    ]
    chunks, loss = written(framing, *events)
    by_choice: dict[int, list[Any]] = {}
    for chunk in chunks:
        for one in chunk["candidates"]:
            by_choice.setdefault(one["index"], []).extend(
                part for part in one["content"]["parts"] if part != {"text": ""}
            )
    assert by_choice[0] == [{"inlineData": {"mimeType": "image/png", "data": "iVBO"}}, {"text": "No."}]
    assert by_choice[1] == [{"text": "b"}]
    assert [one["finishReason"] for one in chunks[-1]["candidates"]] == ["SAFETY", "STOP"]
    assert loss == []


@each_framing
def test_its_own_members_come_back_where_they_were(framing: Framing) -> None:
    extra = {"finishMessage": Raw(b'"done"'), "safetyRatings": Raw(b"[]")}
    chunks, loss = written(framing, *block(0, Text(), "a"), Finished(extra=extra), dialect="gemini")
    assert (chunks[-1]["candidates"][0]["finishMessage"], loss) == ("done", [])
    _, loss = written(framing, *block(0, Text(), "a"), Finished(extra=extra))
    assert loss == ["finishMessage", "safetyRatings"]


@pytest.mark.filterwarnings("ignore:NOVEL is not a valid")
@each_framing
def test_an_end_that_nobody_knows_keeps_its_word(framing: Framing) -> None:
    ended = Finished(0, "content_filter", "NOVEL")
    assert written(framing, ended, dialect="gemini")[0][-1]["candidates"][0]["finishReason"] == "NOVEL"
    assert written(framing, ended)[0][-1]["candidates"][0]["finishReason"] == "SAFETY"


@each_framing
def test_a_blocked_prompt_has_no_candidates(framing: Framing) -> None:
    extra = {"promptFeedback": Raw(b'{"blockReason":"SAFETY"}')}
    chunks, _ = written(framing, Finished(0, "content_filter", "SAFETY", extra=extra), dialect="gemini")
    assert len(chunks) == 1
    assert "candidates" not in chunks[0]
    assert chunks[0]["promptFeedback"] == {"blockReason": "SAFETY"}


def test_a_failure_is_a_chunk_that_begins_with_error() -> None:
    def failed(framing: Framing, *events: Event) -> bytes:
        encoder = SERVER.encoder(SERVER.decode(ASKED), ASKED, framing)
        sent = b"".join(encoder.encode(event) for event in [Started("r", "m", 7), *events])
        last = sent + encoder.fail(UpstreamBroken("Oh no."))
        assert encoder.idle() == b""
        return last

    begun = block(0, Text(), "a")
    assert failed("sse").startswith(b'data: {"error":{"code":502,"message":"Oh no.","status":"UNAVAILABLE"')
    assert list(chunked(failed("sse", *begun), "sse")[-1]) == ["error"]
    assert list(chunked(failed("array"), "array")[-1]) == ["error"]
    assert [next(iter(one)) for one in json.loads(failed("array", *begun))] == ["candidates", "error"]


def test_streams_are_framed_as_googles_are() -> None:
    encoder = SERVER.encoder(SERVER.decode(ASKED), ASKED, "array")
    assert encoder.content_type == "application/json; charset=UTF-8"
    body = replay.encoded_reply(encoder, [Started("r", "m", 7), *block(0, Text(), "a", "b"), Finished()])
    assert body.startswith(b'[{"candidates"')
    assert body.count(b",\r\n{") == 2
    assert body.endswith(b"}]")


def test_errors_say_what_they_are_about_and_when_to_come_again() -> None:
    def told(error: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(SERVER.encode_error(error, ASKED))["error"]
        return found

    bad = told(BadCall("Wrong.", param="contents[0]"))
    assert (bad["code"], bad["status"], bad["message"]) == (400, "INVALID_ARGUMENT", "Wrong.")
    assert bad["details"][0]["fieldViolations"] == [{"field": "contents[0]", "description": "Wrong."}]
    limited = told(RateLimited("Slow down.", retry_after=3.5))
    assert limited["status"] == "RESOURCE_EXHAUSTED"
    assert limited["details"][-1]["retryDelay"] == "3.5s"
