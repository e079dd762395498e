"""An upstream's reply to events, and read along: what is odd, wrong or cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_gemini.client import GeminiClient
from gateway_dialect_gemini.server import GeminiServer

from gateway import (
    BlockDelta,
    BlockStart,
    Edit,
    Event,
    Failed,
    Finished,
    Image,
    Opaque,
    Started,
    Tap,
    Text,
    ToolCall,
    Usage,
)
from gateway.testing import replay

CLIENT, SERVER = GeminiClient(), GeminiServer()
TARGET = replay.target("m")


def chunk(*parts: Any, finish: Any = "STOP", index: int = 0, **more: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": index}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], **more}


def stream(*chunks: Any) -> bytes:
    return b"".join(b"data: %b\r\n\r\n" % json.dumps(one).encode() for one in chunks)


def events(body: bytes, streamed: bool = True) -> list[Event]:
    return list(replay.decoded(CLIENT.decoder(TARGET, streamed), [body]))


def read(*chunks: Any) -> list[Event]:
    return events(stream(*chunks))


def tapped(body: bytes, streamed: bool = True, asked: str = "") -> Tap:
    request = f'{{"contents":[]{asked}}}'
    verb = "streamGenerateContent?alt=sse" if streamed else "generateContent"
    inbound = replay.inbound(SERVER, request.encode(), f"/v1/models/m:{verb}")
    tap = CLIENT.tap(TARGET, streamed, CLIENT.edit(inbound, Edit("m"), TARGET), inbound)
    assert tap.feed(body) + tap.finish() == body
    return tap


def finished(found: list[Event]) -> list[tuple[str, str | None]]:
    return [(event.reason, event.detail) for event in found if isinstance(event, Finished)]


def blocks(found: list[Event]) -> list[Any]:
    return [event.block for event in found if isinstance(event, BlockStart)]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("STOP", ("stop", None)),
        ("MAX_TOKENS", ("length", None)),
        ("CONTINUATION", ("pause", None)),
        ("SAFETY", ("content_filter", "SAFETY")),
        ("NEW_AND_BAD", ("content_filter", "NEW_AND_BAD")),
        (2, ("length", None)),
        (9, ("content_filter", "9")),
    ],
)
def test_how_a_candidate_ends_is_read(word: Any, reason: Any) -> None:
    assert finished(read(chunk({"text": "a"}, finish=word))) == [reason]


def test_a_stop_after_calls_is_for_the_calls() -> None:
    assert finished(read(chunk({"functionCall": {"name": "f"}}, finish=None), chunk())) == [("tool_calls", None)]


@pytest.mark.parametrize(
    "word",
    [
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
    ],
)
def test_an_upstreams_fault_is_a_failure_after_its_usage(word: str) -> None:
    one = chunk({"text": "a"}, finish=word, usageMetadata={"promptTokenCount": 3})
    found = read(one)
    assert isinstance(found[-2], Usage)
    assert isinstance(found[-1], Failed)
    assert (found[-1].error.code, found[-1].error.status) == (word.lower(), 502)
    assert tapped(stream(one)).failed is not None
    assert isinstance(events(json.dumps(one).encode(), False)[-1], Failed)


def test_a_reply_is_whole_once_each_candidate_has_ended() -> None:
    both = (chunk({"text": "a"}, index=0), chunk({"text": "b"}, finish=None, index=1))
    assert isinstance(read(*both)[-1], Failed)
    ended = read(*both, chunk(index=1))
    assert len(finished(ended)) == 2
    assert tapped(stream(chunk({"text": "a"})), asked=',"generationConfig":{"candidateCount":2}').complete is False
    assert tapped(stream(*both, chunk(index=1)), asked=',"generationConfig":{"candidateCount":2}').complete is True


def test_what_follows_a_finish_reason_is_read() -> None:
    usage = {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4}}
    found = read(chunk({"text": "a"}), usage)
    assert [type(event) for event in found[-3:]] == [Usage, *[type(event) for event in found[-2:]]]
    assert isinstance(found[-1], Finished)
    assert tapped(stream(chunk({"text": "a"}), usage)).usage == Usage(input=3, output=1)


def test_an_array_in_pieces_reads_as_events_do() -> None:
    chunks = [chunk({"text": "a"}, finish=None, responseId="r"), chunk({"text": "b"})]
    body = json.dumps(chunks, indent=2).encode()
    assert events(body) == read(*chunks)
    assert events(json.dumps(chunks).encode(), streamed=False) == read(*chunks)
    cut = tapped(body.rstrip(b"]"))
    assert cut.complete is False
    assert tapped(body).complete is True


def test_a_whole_reply_to_a_stream_is_read() -> None:
    body = json.dumps(chunk({"text": "a"})).encode()
    assert finished(events(body)) == [("stop", None)]
    assert tapped(body).complete is True


def test_signed_text_is_not_mixed_with_what_follows() -> None:
    found = read(
        chunk({"text": "a", "thoughtSignature": "cw=="}, {"text": "b"}, {"text": "c", "thoughtSignature": "dA=="})
    )
    assert len(blocks(found)) == 2
    proofs = [event.proof for event in found if isinstance(event, BlockDelta) and event.proof]
    assert [(proof.form, proof.domain, bytes(proof.payload)) for proof in proofs] == [
        ("text", "golden", b'"cw=="'),
        ("text", "golden", b'"dA=="'),
    ]


def test_calls_without_ids_get_some_that_last() -> None:
    one = chunk({"functionCall": {"name": "f"}}, {"functionCall": {"name": "f", "id": "x"}}, responseId="r")
    first, second = (call.id for call in blocks(read(one)))
    assert first.startswith("gmcall_")
    assert second == "x"
    assert [call.id for call in blocks(read(one))] == [first, second]
    assert next(call.id for call in blocks(read(one | {"responseId": "other"}))) != first


def test_pictures_and_what_only_gemini_has_are_blocks() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "iVBO"}, "thoughtSignature": "cw=="}
    found = blocks(read(chunk(picture, {"executableCode": {"code": "1"}})))
    assert found[0] == Image(data="iVBO", media_type="image/png")
    assert (found[1].form, found[1].domain) == ("part", "golden")
    assert isinstance(found[2], Opaque)
    assert (found[2].form, found[2].domain) == ("whole", "")


def test_arguments_in_pieces_are_put_together() -> None:
    def piece(path: str, **value: Any) -> dict[str, Any]:
        return {"functionCall": {"partialArgs": [{"jsonPath": path, **value}], "willContinue": True}}

    found = read(
        chunk({"functionCall": {"name": "f", "willContinue": True}, "thoughtSignature": "cw=="}, finish=None),
        chunk(piece("$.a.b[1]", stringValue="x"), piece("$.a.b[1]", stringValue="y"), finish=None),
        chunk(piece("$['n']", numberValue=2), piece("$.z", nullValue="NULL_VALUE"), {"functionCall": {}}),
    )
    (call,) = blocks(found)
    assert isinstance(call, ToolCall)
    assert call.proof is not None
    text = "".join(event.text for event in found if isinstance(event, BlockDelta))
    assert json.loads(text) == {"a": {"b": [None, "xy"]}, "n": 2, "z": None}
    begun = chunk({"functionCall": {"name": "f", "willContinue": True}})
    assert isinstance(read(begun)[-1], Failed)
    assert isinstance(
        read(chunk({"functionCall": {"name": "f", "willContinue": True}}, piece("b[", stringValue="")))[-1], Failed
    )


def test_counts_are_disjoint_and_read_from_strings_too() -> None:
    counts = {
        "promptTokenCount": 20,
        "cachedContentTokenCount": "8",
        "candidatesTokenCount": 5,
        "toolUsePromptTokenCount": 3,
        "thoughtsTokenCount": 4,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 6}, {"modality": "VIDEO", "tokenCount": 1}],
    }
    one = chunk({"text": "a"}, usageMetadata=counts)
    wanted = Usage(input=15, cache_read=8, output=9, reasoning=4, audio_input=6)
    decoder = CLIENT.decoder(TARGET, True)
    found = list(replay.decoded(decoder, [stream(one)]))
    assert wanted in found
    assert list(decoder.loss) == ["usageMetadata.promptTokensDetails"]
    assert tapped(stream(one)).usage == wanted
    assert tapped(json.dumps(one).encode(), False).usage == wanted


def test_a_blocked_prompt_is_a_whole_reply_of_its_own() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}}
    assert finished(read(blocked)) == [("content_filter", "SAFETY")]
    assert tapped(stream(blocked)).complete is True
    assert isinstance(read({"promptFeedback": {"blockReason": "BLOCK_REASON_UNSPECIFIED"}})[-1], Failed)


def test_what_a_reply_says_without_a_place_for_it_is_told() -> None:
    decoder = CLIENT.decoder(TARGET, True)
    told = chunk({"text": "", "partMetadata": {}}, {"text": "a"}, promptFeedback={"blockReason": "OTHER"})
    [*_] = [*decoder.feed(stream(told)), *decoder.finish()]
    assert list(decoder.loss) == ["Text.partMetadata", "promptFeedback"]


@pytest.mark.parametrize(
    "body",
    [
        b'data: {"error": {"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED"}}\n\n',
        b'{"error": {"code": 429, "message": "Slow down"}}\n\n',
        b'[{"error": {"code": 429,\n "message": "Slow down"}}\n]',
    ],
)
def test_errors_within_a_reply_are_failures_of_their_status(body: bytes) -> None:
    failed = events(body)[-1]
    assert isinstance(failed, Failed)
    assert (failed.error.status, failed.error.public) == (429, "Slow down")
    error = tapped(body).failed
    assert error is not None
    assert error.status == 429


@pytest.mark.parametrize("body", [b"data: 7\n\n", b'data: {"candidates": 7}\n\n', b"data: {\n\n", b"[7]", b"x", b""])
def test_what_is_no_reply_is_a_failure(body: bytes) -> None:
    assert isinstance(events(body)[-1], Failed)
    assert isinstance(events(body, streamed=False)[-1], Failed)
    assert tapped(body).complete is False


def test_half_a_surrogate_pair_is_text() -> None:
    found = events(b'data: {"candidates":[{"content":{"parts":[{"text":"\\ud83d"}]},"finishReason":"STOP"}]}\n\n')
    assert "\ud83d" in [event.text for event in found if isinstance(event, BlockDelta)]


def test_the_reply_is_named_by_its_first_chunk() -> None:
    named = {"responseId": "r", "modelVersion": "v", "createTime": "2026-04-02T17:03:50.399550123Z", "new": 1}
    started = read(chunk({"text": "a"}, **named))[0]
    assert isinstance(started, Started)
    assert (started.id, started.model, started.created, list(started.extra)) == ("r", "v", 1775149430, ["new"])
    tap = tapped(stream(chunk({"text": "a"}, **named)))
    assert (tap.response_id, tap.model) == ("r", "v")


def test_text_and_arguments_are_the_ground_for_an_estimate() -> None:
    assert tapped(stream(chunk({"text": "abcd"}, {"text": "ef", "thought": True}))).output_bytes == 6
    assert tapped(json.dumps(chunk({"text": "abcd"})).encode(), False).output_bytes == 4
    assert tapped(stream(chunk({"functionCall": {"name": "f", "args": {"a": "long"}}}))).output_bytes > 5


def test_text_blocks_hold_text() -> None:
    assert blocks(read(chunk({"text": ""}, {"text": "a"}, {}))) == [Text()]


def test_blanks_without_end_are_a_failure() -> None:
    decoder = CLIENT.decoder(TARGET, True)
    assert list(decoder.feed(b"\r\n" * 1000)) == []
    found = [event for _ in range(100) for event in decoder.feed(b"\r\n" * 1000)]
    assert [type(event) for event in found] == [Failed]
    assert list(decoder.finish()) == []
    late = CLIENT.decoder(TARGET, True)
    body = b"\r\n" * 1000 + stream(chunk({"text": "Hi"}))
    assert [type(event) for event in replay.decoded(late, [body])][-1] is Finished
