"""Annotations, sound and counts of a reply: kept for clients of the same dialect, else named as loss."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_openai_chat.client import ChatClient
from gateway_dialect_openai_chat.server import ChatServer
from msgspec import Raw

from gateway import BlockDelta, BlockStart, BlockStop, Citation, Decoder, Event, Finished, Started, Text, sse
from gateway.testing import replay

SERVER, CLIENT = ChatServer(), ChatClient()
TARGET = replay.target("m")
CITED = [
    {"type": "url_citation", "url_citation": {"url": "https://x", "content": "an excerpt", "start_index": 2}},
    {"type": "url_citation", "url_citation": {"url": "https://y", "title": "Y", "start_index": 0, "end_index": 1}},
    {"type": "file_citation", "file_citation": {"file_id": "f", "index": 3}},
]
SOUND = {"id": "audio_1", "data": "QUJD", "transcript": "Hello.", "expires_at": 1700000000}


def streamed(*deltas: dict[str, Any], **members: Any) -> bytes:
    choices = [{"index": 0, "delta": delta} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    bodies: list[Any] = [{"id": "c1", "choices": [choice]} for choice in choices]
    bodies[-1] |= members
    return b"".join(sse.frame(json.dumps(body).encode()) for body in bodies) + b"data: [DONE]\n\n"


def whole(message: dict[str, Any], **members: Any) -> bytes:
    return json.dumps({"id": "c1", "choices": [{"index": 0, "message": message}], **members}).encode()


def read(body: bytes, stream: bool) -> tuple[list[Event], Decoder]:
    decoder = CLIENT.decoder(TARGET, stream)
    return list(replay.decoded(decoder, replay.pieces(body, 7))), decoder


def written_again(found: list[Event], framing: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """The message or the deltas of a client's reply, and its loss."""
    request = replay.inbound(SERVER, b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}')
    encoder = SERVER.encoder(SERVER.decode(request), request, framing)
    said = replay.encoded_reply(encoder, found)
    if framing == "json":
        return [json.loads(said)["choices"][0]["message"]], encoder.loss
    data = [sse.data(event) for event in sse.events(said)][:-1]
    return [json.loads(one)["choices"][0]["delta"] for one in data], encoder.loss


def annotations(deltas: list[dict[str, Any]]) -> list[Any]:
    return [annotation for delta in deltas for annotation in delta.get("annotations", ())]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("framing", ["sse", "json"])
def test_every_sort_of_annotation_is_kept(stream: bool, framing: Any) -> None:
    message = {"role": "assistant", "content": "a", "annotations": CITED}
    found, decoder = read(streamed(message) if stream else whole(message), stream)
    deltas, loss = written_again(found, framing)
    assert annotations(deltas) == CITED
    assert (decoder.loss, loss) == ([], [])


@pytest.mark.parametrize("framing", ["sse", "json"])
def test_what_another_dialect_cites_is_a_url_or_lost(framing: Any) -> None:
    cited = [Citation("https://x", "X", 0, 1, Raw(b'{"type": "page"}')), Citation(raw=Raw(b'{"type": "page"}'))]
    events: list[Event] = [Started("r", "m", 1, "another"), BlockStart(0, 0, Text("a"))]
    events += [BlockDelta(0, 0, citation=citation) for citation in cited]
    deltas, loss = written_again([*events, BlockStop(0, 0), Finished()], framing)
    source = {"start_index": 0, "end_index": 1, "url": "https://x", "title": "X"}
    assert annotations(deltas) == [{"type": "url_citation", "url_citation": source}]
    assert loss == ["Text.citation"]


@pytest.mark.parametrize(
    "annotation",
    [{}, {"type": 7}, {"type": "url_citation", "url_citation": []}, {"url_citation": {"url": 7, "start_index": -1}}],
)
def test_an_annotation_of_any_shape_is_kept_as_it_is(annotation: dict[str, Any]) -> None:
    found, _ = read(whole({"content": "a", "annotations": [annotation]}), False)
    assert annotations(written_again(found, "json")[0]) == [annotation]


@pytest.mark.parametrize("framing", ["sse", "json"])
def test_sound_is_kept_and_another_dialects_is_lost(framing: Any) -> None:
    pieces = [{"id": "audio_1", "transcript": "Hel"}, {"transcript": "lo.", "data": "QU"}, {"data": "JD"}]
    bits, _ = read(streamed(*({"audio": piece} for piece in pieces), {"audio": {"expires_at": 1700000000}}), True)
    once, _ = read(whole({"role": "assistant", "content": None, "audio": SOUND}), False)
    for found in (bits, once):
        deltas, loss = written_again(found, framing)
        assert [delta["audio"] for delta in deltas if "audio" in delta] == [SOUND]
        assert loss == []
        found[0] = Started("r", "m", 1, "another")
        assert written_again(found, framing)[1] == ["Audio"]


def test_counts_that_usage_has_no_place_for_are_named() -> None:
    usage = {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
        "cost": 0.01,
        "num_sources_used": 0,
        "prompt_tokens_details": {"cached_tokens": 0, "video_tokens": 0, "image_tokens": 4},
        "completion_tokens_details": {"accepted_prediction_tokens": 5},
    }
    named = [
        "usage.cost",
        "usage.prompt_tokens_details.image_tokens",
        "usage.completion_tokens_details.accepted_prediction_tokens",
    ]
    assert read(streamed({"content": "a"}, usage=usage), True)[1].loss == named
    assert read(whole({"content": "a"}, usage=usage), False)[1].loss == named
    groq = {"prompt_tokens": 1, "completion_tokens": 1, "queue_time": 0.5}
    assert "x_groq.usage.queue_time" in read(streamed({"content": "a"}, x_groq={"usage": groq}), True)[1].loss
