"""What is read along, and whether a reply was whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_openai_media.client import MediaClient
from gateway_dialect_openai_media.server import MediaServer

from gateway import Edit, Tap, UpstreamBroken, UpstreamRefused, Usage, sse
from gateway.testing import replay

SERVER, CLIENT = MediaServer(), MediaClient()
TARGET = replay.target("served")


def tapped(path: str, chunks: list[bytes], stream: bool = True, **asked: Any) -> tuple[bytes, Tap]:
    request = replay.inbound(SERVER, json.dumps({"model": "m", **asked}).encode(), "/v1" + path)
    tap = CLIENT.tap(TARGET, stream, CLIENT.edit(request, Edit("served"), TARGET), request)
    return b"".join([tap.feed(chunk) for chunk in chunks]) + tap.finish(), tap


def events(*bodies: object, done: bool = False) -> bytes:
    written = [sse.frame(json.dumps(body).encode(), _name(body)) for body in bodies]
    return b"".join(written) + (b"data: [DONE]\n\n" if done else b"")


def _name(body: object) -> bytes:
    return body["type"].encode() if isinstance(body, dict) and "type" in body else b""


USED = {"input_tokens": 50, "output_tokens": 60, "total_tokens": 110, "input_tokens_details": {"image_tokens": 40}}
HEARD = {"type": "tokens", "input_tokens": 14, "output_tokens": 5, "input_token_details": {"audio_tokens": 14}}


@pytest.mark.parametrize(
    ("path", "body", "usage"),
    [
        ("/embeddings", {"usage": {"prompt_tokens": 8, "total_tokens": 8}}, Usage(input=8)),
        ("/embeddings", {"usage": {"prompt_tokens": 8, "completion_tokens": 0}}, Usage(input=8, output=0)),
        ("/images/generations", {"usage": USED}, Usage(input=50, output=60)),
        ("/audio/transcriptions", {"text": "Hi", "usage": HEARD}, Usage(input=14, output=5, audio_input=14)),
        ("/audio/transcriptions", {"text": "Hi", "usage": {"type": "duration", "seconds": 7}}, None),
        ("/rerank", {"usage": {"total_tokens": 30}}, Usage(input=30)),
        ("/rerank", {"meta": {"billed_units": {"search_units": 1}}}, None),
        ("/rerank", {"meta": {"billed_units": {"search_units": 1}, "tokens": {"input_tokens": 4}}}, Usage(input=4)),
        ("/embed", {"meta": {"billed_units": {"input_tokens": 10}}}, Usage(input=10)),
        ("/moderations", {"results": []}, None),
        ("/embeddings", {"usage": {"prompt_tokens": "x"}}, None),
        ("/rerank", [{"index": 0}], None),
    ],
)
def test_usage_of_a_json_reply(path: str, body: object, usage: Usage | None) -> None:
    raw = json.dumps(body).encode()
    passed, tap = tapped(path, replay.pieces(raw, 7), stream=False)
    assert (passed, tap.usage, tap.complete) == (raw, usage, True)


def test_a_json_reply_that_was_cut_is_not_complete() -> None:
    body = b'{"text": "Hello", "usage": {"total_tokens": 3}}'
    for end in range(len(body)):
        passed, tap = tapped("/embeddings", [body[:end]], stream=False)
        assert (passed, tap.complete) == (body[:end], False)


def test_a_transcript_without_tokens_is_estimated_from_its_text() -> None:
    _, tap = tapped("/audio/transcriptions", [b'{"text": "Gr\\u00fc\\u00dfe"}'], stream=False)
    assert (tap.usage, tap.output_bytes) == (None, len("Grüße".encode()))


@pytest.mark.parametrize("wanted", ["text", "srt", "vtt"])
def test_a_transcript_as_plain_text_is_whole_when_it_ends(wanted: str) -> None:
    passed, tap = tapped("/audio/transcriptions", [b"[Mus", b"ic]\n"], stream=False, response_format=wanted)
    assert (passed, tap.complete, tap.usage) == (b"[Music]\n", True, None)


@pytest.mark.parametrize("sound", [b"\n\x00\r\n:\x00", b"ID3\x04", b"RIFF....WAVE", b"{", b"data: x"])
def test_sound_goes_out_as_it_comes_and_is_whole_when_it_ends(sound: bytes) -> None:
    passed, tap = tapped("/audio/speech", [sound[:1], sound[1:]])
    assert (passed, tap.complete, tap.output_bytes) == (sound, True, 0)
    assert tap.fail(UpstreamBroken("gone")) == b""
    assert not tapped("/audio/speech", [])[1].complete


@pytest.mark.parametrize(
    ("path", "stream", "usage"),
    [
        (
            "/audio/speech",
            events(
                {"type": "speech.audio.delta", "audio": "AAAA"},
                {"type": "speech.audio.done", "usage": {"input_tokens": 3, "output_tokens": 9, "total_tokens": 12}},
            ),
            Usage(input=3, output=9),
        ),
        (
            "/audio/transcriptions",
            events(
                {"type": "transcript.text.delta", "delta": "Hi"},
                {"type": "transcript.text.done", "text": "Hi", "usage": HEARD},
            ),
            Usage(input=14, output=5, audio_input=14),
        ),
        (
            "/images/generations",
            events(
                {"type": "image_generation.partial_image", "b64_json": "AAAA"},
                {"type": "image_generation.completed", "b64_json": "AAAA", "usage": USED},
            ),
            Usage(input=50, output=60),
        ),
        ("/images/edits", events({"type": "image_edit.completed", "usage": USED}), Usage(input=50, output=60)),
    ],
)
def test_events_are_whole_with_the_one_that_says_so(path: str, stream: bytes, usage: Usage) -> None:
    for size in (0, 1, 5):
        passed, tap = tapped(path, replay.pieces(stream, size), stream=True, stream_format="sse")
        assert (passed, tap.usage, tap.complete) == (stream, usage, True)
    cut = stream[: stream.rindex(b"event:")]
    passed, tap = tapped(path, [cut], stream_format="sse")
    assert (passed, tap.complete) == (cut, not cut and tap.complete)


def chunk(text: str, end: str | None = None, index: int = 0, **members: Any) -> dict[str, Any]:
    choice = {"index": index, "text": text, "finish_reason": end, "logprobs": None}
    return {"id": "cmpl-1", "model": "up", "choices": [choice], **members}


COUNTS = {"id": "cmpl-1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}


def test_the_usage_chunk_that_we_asked_for_is_hidden_from_the_client() -> None:
    shown = events(chunk("Hi"), chunk("", "stop"))
    stream = shown + events(COUNTS, done=True)
    for size in (0, 1, 9):
        passed, tap = tapped("/completions", replay.pieces(stream, size), stream=True)
        assert passed == stream
        request = replay.inbound(SERVER, b'{"model": "m", "stream": true}', "/v1/completions")
        hiding = CLIENT.tap(TARGET, True, CLIENT.edit(request, Edit("m"), TARGET), request)
        passed = b"".join([hiding.feed(piece) for piece in replay.pieces(stream, size)]) + hiding.finish()
        assert passed == shown + b"data: [DONE]\n\n"
        assert tap.usage == hiding.usage == Usage(input=3, output=2)
        assert (hiding.complete, hiding.response_id, hiding.model) == (True, "cmpl-1", "up")


def test_a_completion_without_done_is_whole_with_all_its_choices() -> None:
    one = events(chunk("Hi", "stop"))
    assert tapped("/completions", [one])[1].complete
    assert not tapped("/completions", [one], n=2)[1].complete
    assert tapped("/completions", [one + events(chunk("Hi", "stop", 1))], n=2)[1].complete
    _, cut = tapped("/completions", [events(chunk("Hello"))])
    assert (cut.complete, cut.usage, cut.output_bytes) == (False, None, 5)


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"error": {"message": "Too many", "code": 429}}\n\n',
        b'event: error\ndata: {"message": "Too many", "code": 429}\n\n',
        b'data: {"type": "error", "error": {"message": "Too many", "code": 429}}\n\n',
    ],
)
def test_an_error_among_the_events_is_a_failure(event: bytes) -> None:
    passed, tap = tapped("/completions", [events(chunk("Hi")) + event])
    assert passed.endswith(event)
    assert isinstance(tap.failed, UpstreamRefused)
    assert (tap.failed.public, tap.failed.status) == ("Too many", 429)


def test_a_lost_connection_is_told_after_whole_events() -> None:
    request = replay.inbound(SERVER, b'{"model": "m", "stream": true}', "/v1/completions")
    tap = CLIENT.tap(TARGET, True, CLIENT.edit(request, Edit("m"), TARGET), request)
    whole = events(chunk("Hi"))
    assert tap.feed(whole + b"data: {") == whole
    (last,) = sse.events(tap.fail(UpstreamBroken("The connection was lost.")))
    assert json.loads(sse.data(last))["error"]["message"] == "The connection was lost."


def test_other_bytes_than_events_pass_too() -> None:
    passed, tap = tapped("/embeddings", [b"\x00\x01", b"\x02" * 20])
    assert (passed, tap.complete) == (b"\x00\x01" + b"\x02" * 20, True)
    passed, tap = tapped("/embeddings", [b"\x00"])
    assert (passed, tap.complete) == (b"\x00", True)
    assert not tapped("/completions", [b'{"detail": "oops"}'])[1].complete


def test_replies_that_go_out_as_they_come() -> None:
    encoded = CLIENT.edit(replay.inbound(SERVER, b'{"model": "m"}', "/v1/embeddings"), Edit("m"), TARGET)
    streamed = ["text/event-stream", "audio/mpeg", "audio/wav", "application/octet-stream"]
    assert all(CLIENT.streams(kind, encoded) for kind in streamed)
    assert not any(CLIENT.streams(kind, encoded) for kind in ("application/json", "text/plain", "image/png"))
