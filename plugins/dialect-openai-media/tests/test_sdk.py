"""OpenAI's SDK against a running gateway."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from typing import Any

import openai
import pytest

from gateway import sse
from gateway.testing import fake_upstream
from gateway.testing.fake_upstream import CUT


def arrived(served: Any) -> Any:
    return served.upstream.arrived[-1]


def small_wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(range(256)) * 8)
    return file.getvalue()


def events(*bodies: dict[str, Any]) -> bytes:
    return b"".join(sse.frame(json.dumps(body).encode(), body.get("type", "").encode()) for body in bodies)


def test_embeddings(client: openai.OpenAI, served: Any) -> None:
    vector = {"object": "embedding", "index": 0, "embedding": [0.5, -1.0]}
    usage = {"prompt_tokens": 2, "total_tokens": 2}
    reply = {"object": "list", "data": [vector], "model": "small", "usage": usage}
    served.upstream.answer("/v1/embeddings", fake_upstream.json(reply))
    found = client.embeddings.create(model="place/small", input="Hello", encoding_format="float")
    assert found.data[0].embedding == [0.5, -1.0]
    sent = json.loads(arrived(served).body)
    assert sent == {"input": "Hello", "model": "small", "encoding_format": "float"}
    assert arrived(served).headers["authorization"] == "Bearer sk-upstream"


def test_images(client: openai.OpenAI, served: Any) -> None:
    reply = {"created": 1, "data": [{"b64_json": "AAAA"}]}
    served.upstream.answer("/v1/images/generations", fake_upstream.json(reply))
    image = client.images.generate(model="place/small", prompt="A cat")
    assert image.data is not None
    assert image.data[0].b64_json == "AAAA"


def test_an_edited_image_is_sent_as_a_form(client: openai.OpenAI, served: Any) -> None:
    served.upstream.answer("/v1/images/edits", fake_upstream.json({"created": 1, "data": [{"b64_json": "BBBB"}]}))
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    edited = client.images.edit(model="place/small", image=("a.png", picture, "image/png"), prompt="A hat")
    assert edited.data is not None
    assert edited.data[0].b64_json == "BBBB"
    assert picture in arrived(served).body
    assert b"\r\n\r\nsmall\r\n" in arrived(served).body
    assert b"place/small" not in arrived(served).body


def test_speech_goes_out_as_it_comes(client: openai.OpenAI, served: Any) -> None:
    go_on = asyncio.Event()
    first, second = b"ID3\x04" + bytes(100), bytes(200)
    served.upstream.answer("/v1/audio/speech", fake_upstream.stream(first, go_on, second, content_type="audio/mpeg"))
    speech = client.audio.speech.with_streaming_response
    with speech.create(model="place/small", voice="alloy", input="Hi") as response:
        chunks = response.iter_bytes(len(first))
        assert next(chunks) == first
        served.soon(go_on.set)
        assert b"".join(chunks) == second
        assert response.headers["content-type"] == "audio/mpeg"


def test_speech_that_is_cut_is_an_error(client: openai.OpenAI, served: Any) -> None:
    script = fake_upstream.stream(b"ID3\x04", CUT, content_type="audio/mpeg")
    served.upstream.answer("/v1/audio/speech", script)
    speech = client.audio.speech.with_streaming_response
    with (
        pytest.raises(Exception, match=r"(?i)incomplete|peer closed|payload|connection"),
        speech.create(model="place/small", voice="alloy", input="Hi") as response,
    ):
        response.read()


def test_a_transcription_is_uploaded(client: openai.OpenAI, served: Any) -> None:
    reply = {"text": "Hello.", "usage": {"type": "duration", "seconds": 1}}
    served.upstream.answer("/v1/audio/transcriptions", fake_upstream.json(reply))
    sound = small_wav()
    found = client.audio.transcriptions.create(model="place/whisper", file=("a.wav", sound), prompt="Grüße")
    assert found.text == "Hello."
    assert sound in arrived(served).body
    assert "Grüße".encode() in arrived(served).body
    assert arrived(served).headers["content-type"].startswith("multipart/form-data; boundary=")


def test_a_transcription_as_text(client: openai.OpenAI, served: Any) -> None:
    script = fake_upstream.stream(b"[Music] Hello.\n", content_type="text/plain; charset=utf-8")
    served.upstream.answer("/v1/audio/translations", script)
    found = client.audio.translations.create(model="place/whisper", file=("a.wav", small_wav()), response_format="text")
    assert found == "[Music] Hello.\n"


def test_a_transcription_is_streamed(client: openai.OpenAI, served: Any) -> None:
    usage = {"type": "tokens", "input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    script = fake_upstream.stream(
        events({"type": "transcript.text.delta", "delta": "Hel"}, {"type": "transcript.text.delta", "delta": "lo."}),
        events({"type": "transcript.text.done", "text": "Hello.", "usage": usage}),
    )
    served.upstream.answer("/v1/audio/transcriptions", script)
    stream = client.audio.transcriptions.create(model="place/whisper", file=("a.wav", small_wav()), stream=True)
    found = list(stream)
    assert [event.type for event in found] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]
    assert b'name="stream"\r\n\r\ntrue' in arrived(served).body


def test_a_legacy_completion_is_streamed_without_the_usage_that_only_we_asked_for(
    client: openai.OpenAI, served: Any
) -> None:
    shared = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "small"}
    choices = [{"index": 0, "text": text, "finish_reason": end} for text, end in (("Hel", None), ("lo", "stop"))]
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    said = events(*(shared | {"choices": [choice]} for choice in choices), shared | {"choices": [], "usage": usage})
    served.upstream.answer("/v1/completions", fake_upstream.stream(said, b"data: [DONE]\n\n"))
    found = list(client.completions.create(model="place/small", prompt="Say", stream=True))
    assert [chunk.choices[0].text for chunk in found] == ["Hel", "lo"]
    assert json.loads(arrived(served).body)["stream_options"] == {"include_usage": True}


def test_a_stream_that_is_cut_is_an_error(client: openai.OpenAI, served: Any) -> None:
    said = events({"id": "cmpl-1", "choices": [{"index": 0, "text": "Hel", "finish_reason": None}]})
    served.upstream.answer("/v1/completions", fake_upstream.stream(said, CUT))
    with pytest.raises(openai.APIError):
        list(client.completions.create(model="place/small", prompt="Say", stream=True))


def test_moderations_need_no_model(client: openai.OpenAI, served: Any) -> None:
    result = {"flagged": False, "categories": {}, "category_scores": {}, "category_applied_input_types": {}}
    reply = {"id": "modr-1", "model": "omni-moderation-latest", "results": [result]}
    served.upstream.answer("/v1/moderations", fake_upstream.json(reply))
    assert client.moderations.create(input="Hi").results[0].flagged is False
    assert json.loads(arrived(served).body)["model"] == "omni-moderation-latest"


def test_an_upstreams_refusal_is_the_sdks_own_error(client: openai.OpenAI, served: Any) -> None:
    error = {"error": {"message": "Too many", "type": "rate_limit_error", "param": None, "code": "rate_limit_exceeded"}}
    served.upstream.answer("/v1/embeddings", fake_upstream.json(error, 429))
    with pytest.raises(openai.RateLimitError, match="Too many"):
        client.embeddings.create(model="place/small", input="Hello")


def test_a_bad_form_is_the_clients_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.transcriptions.create(model="", file=("a.wav", small_wav()))
    assert refused.value.param == "model"
